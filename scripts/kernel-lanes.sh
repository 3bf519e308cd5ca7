#!/usr/bin/env bash
# Runs the CUDA tests on the emulated device while a sanitizer watches the kernels, and with the blocks of each launch in
# reverse order. Prints a line for each lane; `cargo test` alone runs none of them. A GPU is not used.
# Usage: scripts/kernel-lanes.sh [thread|address|reversed...]     (all of them by default)
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

# Runs a program in a lane; its log tells how that went.
run() {
  local lane=$1 program=$2 filters= log=$logs/$1-$2.txt
  if [ "$program" = cuda ]; then filters=${families[$lane]:-}; fi
  # shellcheck disable=SC2086 # lists of words
  env ${environment[$lane]} "$(executable "$program")" --test-threads=1 $filters > "$log" 2>&1 || echo "ended with exit code $?" >> "$log"
}

# The longest comes first; each program keeps one processor busy.
[ $# -gt 0 ] || set -- thread address reversed
started=$SECONDS
for lane in "$@"; do
  for program in ${programs[$lane]}; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    run "$lane" "$program" &
  done
done
wait

failed=0
for lane in "$@"; do
  passed=0
  for program in ${programs[$lane]}; do
    log=$logs/$lane-$program.txt
    passed=$((passed + $(grep -c '^test .*ok$' "$log" || true)))
    # A sanitizer may end a program whose tests have passed; one without tests has shown nothing.
    if grep -q '^ended with exit code' "$log" || ! grep -q '^test result: ok\. [1-9]' "$log"; then
      failed=1
      cat "$log" >&2
      echo "kernel-lanes: $program fails in the lane $lane; the log is $log" >&2
    fi
  done
  printf '%-8s %4d tests passed\n' "$lane" "$passed"
done
echo "$((SECONDS - started)) s"
exit $failed
