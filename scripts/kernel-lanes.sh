#!/usr/bin/env bash
# Runs the CUDA tests on the emulated device while a sanitizer watches the kernels, and with the blocks of each launch in
# reverse order. Prints a line for each lane; `cargo test` alone runs none of them. A GPU is not used.
# Usage: scripts/kernel-lanes.sh [address|thread|reversed...]     (all of them by default)
set -euo pipefail
cd "$(dirname "$0")/.."
export RUST_BACKTRACE=0

# The environments of `wengert_emulator::Instrumentation`: a sanitizer's own library must come before anything else.
library() {
  local path
  path=$(g++ -print-file-name="$1")
  [ "${path:0:1}" = / ] || { echo "kernel-lanes: g++ comes without $1" >&2; exit 1; }
  printf '%s' "$path"
}
libasan=$(library libasan.so)
libtsan=$(library libtsan.so)
declare -A environment=(
  [address]="WENGERT_EMULATOR=address LD_PRELOAD=$libasan ASAN_OPTIONS=detect_leaks=0"
  [thread]="WENGERT_EMULATOR=thread LD_PRELOAD=$libtsan TSAN_OPTIONS=halt_on_error=1:ignore_interceptors_accesses=1"
  [reversed]="WENGERT_EMULATOR= WENGERT_EMULATOR_BLOCKS=reversed"
)

# The case table, the tests of one family each, and the book's kernels. Of the table ThreadSanitizer gets only the families whose
# kernels work together by shared memory or warp functions, which is where threads can race, and no tests of large arrays.
all="cuda cuda_random cuda_optimize cuda_sort cuda_kernels"
declare -A programs=([address]=$all [thread]="cuda cuda_optimize cuda_kernels" [reversed]=$all)
declare -A families=([thread]="loss:: reduce:: scan:: sort:: softmax:: norm:: matmul:: conv:: recurrent::")

logs=target/kernel-lanes
mkdir -p $logs
# The whole workspace, for `cargo test --workspace` has built the same; a part of it would be built with other features again.
build=(cargo test --locked --workspace)
for program in $all; do build+=(--test "$program"); done
"${build[@]}" --no-run 2> $logs/build.txt || { cat $logs/build.txt >&2; exit 1; }
executable() { sed -n "s|.*tests/$1\.rs (\(.*\))|\1|p" $logs/build.txt; }

lane() {
  local lane=$1 started=$SECONDS passed=0 failed=0 program filters log
  for program in ${programs[$lane]}; do
    filters=
    if [ "$program" = cuda ]; then filters=${families[$lane]:-}; fi
    log=$logs/$lane-$program.txt
    # shellcheck disable=SC2086 # lists of words
    env ${environment[$lane]} "$(executable "$program")" --test-threads=1 $filters > "$log" 2>&1 || { failed=1; cat "$log" >&2; }
    passed=$((passed + $(grep -c '^test .*ok$' "$log" || true)))
  done
  printf '%-8s %4d tests passed, %4d s\n' "$lane" "$passed" $((SECONDS - started))
  if [ $failed = 1 ] || [ $passed = 0 ]; then
    echo "kernel-lanes: $lane fails; the logs are in $logs" >&2
    return 1
  fi
}

# All at a time: a lane keeps one processor busy.
[ $# -gt 0 ] || set -- address thread reversed
for name in "$@"; do lane "$name" & done
failed=0
for _ in "$@"; do wait -n || failed=1; done
exit $failed
