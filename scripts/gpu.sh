#!/usr/bin/env bash
# The CUDA backend on a real GPU: op cases against the CPU, NVIDIA's sanitizers, training runs, the book's kernels, the bench
# beside PyTorch; one report in Markdown.
#
#   scripts/gpu.sh build [FOLDER]   on a machine with Rust: collects what the other needs (default target/gpu)
#   scripts/gpu.sh run [FOLDER]     on a machine with a GPU and nothing else: writes the report to $OUT/gpu.md, by default
#                                   to benches/results/<name of the device>.md
#
# The machine with the GPU needs the repository's folder (for MNIST), a driver for CUDA 13, glibc 2.34 or later, bash and, where
# the build found no nvcc to build the kernels in, NVRTC; for the book's kernels NVRTC in any case, and for the section on cuBLASLt
# that library (`wengert devices` says what was found).
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-run}
folder=${2:-target/gpu}
tests=(cuda cuda_sizes cuda_convolution cuda_random cuda_optimize cuda_sort cuda_step)
# Seconds after which no further model is begun, so that the whole stays under eight minutes.
enough=400

# The program that cargo makes of a test or a bench.
executable() {
  cargo test --release --locked --no-run --message-format=json "$@" 2> /dev/null |
    grep -o '"executable":"[^"]*"' | tail -1 | cut -d'"' -f4
}

build() {
  mkdir -p "$folder"
  cargo build --release --locked
  cp "${CARGO_TARGET_DIR:-target}/release/wengert" "$folder/wengert"
  for test in "${tests[@]}"; do
    local package=wengert-testkit
    [ "$test" != cuda_step ] || package=wengert-nn
    cp "$(executable -p $package --test "$test")" "$folder/$test"
  done
  for kind in test bench; do
    cp "$(executable -p wengert-cuda "--$kind" cublaslt)" "$folder/cublaslt-$kind"
  done
  cargo build --release --locked -p wengert-book --example kernels
  cp "${CARGO_TARGET_DIR:-target}/release/examples/kernels" "$folder/kernels"
  strip "$folder"/*
  du -sh "$folder"
}

# Runs a command with a time limit; prints its last lines, and says how it ended.
attempt() {
  local limit=$1 begun=$SECONDS status=0
  shift
  timeout "$limit" "$@" > "$work/log" 2>&1 || status=$?
  if [ "$status" = 0 ]; then
    outcome="passed in $((SECONDS - begun)) s"
  elif [ "$status" = 124 ]; then
    outcome="stopped after $limit s"
  else
    outcome="FAILED after $((SECONDS - begun)) s"
    failures=$((failures + 1))
  fi
}

report() {
  local device sanitizer
  device=$("$folder/wengert" devices | sed -n 's/^cuda:0 *//p')
  [ -n "$device" ] || { "$folder/wengert" devices >&2; echo "gpu.sh: there is no GPU that can be used" >&2; exit 2; }
  printf '# The CUDA backend on %s\n\nWritten by `scripts/gpu.sh`.\n\n```\n' "$device"
  "$folder/wengert" devices
  printf '```\n\n## Op cases: device against CPU\n\n| test | result |\n|---|---|\n'
  for test in "${tests[@]}"; do
    attempt 120 "$folder/$test" --test-threads 4
    printf '| %s | %s: %s |\n' "$test" "$outcome" "$(grep -E '^test result' "$work/log" | tail -1)"
    grep -E '^  [a-z0-9_]+/' "$work/log" | head -20 > "$work/$test.failed" || true
  done
  for test in "${tests[@]}"; do
    [ -s "$work/$test.failed" ] || continue
    printf '\nCases of %s that fail:\n```\n' "$test"
    cat "$work/$test.failed"
    printf '```\n'
  done

  printf '\n## Matrix products beside cuBLASLt\n\n'
  attempt 60 "$folder/cublaslt-test" --test-threads 1
  printf 'Agreement: %s.\n\n```\n' "$outcome"
  grep -E '^products |differs by' "$work/log" || tail -3 "$work/log"
  printf '```\n\n'
  attempt 60 "$folder/cublaslt-bench"
  printf 'Times: %s.\n\n' "$outcome"
  cat "$work/log"

  printf '\n## Numbered kernels of the book\n\n'
  attempt 60 "$folder/kernels" --device cuda
  printf '%s.\n\n```\n' "${outcome^}"
  cat "$work/log"
  printf '```\n'

  printf '\n## compute-sanitizer\n\n'
  sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2> /dev/null || true)
  if [ -n "$sanitizer" ]; then
    printf '| tool | families | result |\n|---|---|---|\n'
    for tool in memcheck racecheck; do
      attempt 60 "$sanitizer" --tool "$tool" --error-exitcode 1 "$folder/cuda" --test-threads 1 softmax::cuda_single
      printf '| %s | softmax | %s |\n' "$tool" "$outcome"
    done
  else
    printf 'Not on this machine.\n'
  fi

  printf '\n## Training on MNIST\n\n| model | device | epochs | result | last metrics |\n|---|---|---|---|---|\n'
  local number=0
  for run in "vae cpu 2" "vae cuda 10" "vae cuda 10 --eager" "dcgan cuda 1" "wgan-gp cuda 1"; do
    read -r model device epochs eager <<< "$run"
    number=$((number + 1))
    # shellcheck disable=SC2086 # a flag or none
    attempt 90 "$folder/wengert" train "$model" --device "$device" --epochs "$epochs" $eager --quiet --out "$work/run-$number"
    last=$(tail -1 "$work/run-$number/metrics.jsonl" 2> /dev/null || tail -1 "$work/log")
    printf '| %s | %s | %s | %s | `%s` |\n' "$model" "$device $eager" "$epochs" "$outcome" "$last"
  done

  # Without PyTorch on the machine this says so.
  printf '\n## Beside PyTorch\n\n'
  attempt 100 "$folder/wengert" bench mlp vae gan dcgan wgan-gp --device cuda --against torch,torch-compile,torch-graph,torch-graph-tf32
  printf '%s.\n\n```\n' "${outcome^}"
  tail -40 "$work/log"
  printf '```\n'

  printf '\n## Five steps of every model\n\n'
  local passed=0 left=0
  for model in $("$folder/wengert" models | grep -oE '^  [a-z0-9-]+'); do
    if [ "$SECONDS" -gt "$enough" ]; then
      left=$((left + 1))
      continue
    fi
    attempt 30 "$folder/wengert" train "$model" --device cuda --steps 5 --batch 16 --set data.limit=2000 \
      --set data.test_limit=64 --quiet --out "$work/steps-$model"
    case $outcome in
      passed*) passed=$((passed + 1)) ;;
      *) printf -- '- %s: %s: `%s`\n' "$model" "$outcome" "$(tail -1 "$work/log")" ;;
    esac
  done
  printf '\n%s models pass, %s were not begun for want of time. Models of speech need WENGERT_DATASETS.\n' "$passed" "$left"
}

case $mode in
  build) build ;;
  run)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    failures=0
    report > "$work/report.md"
    name=$(sed -n '1s/^# The CUDA backend on \(NVIDIA \)\{0,1\}//p' "$work/report.md" | tr 'A-Z ' 'a-z-')
    if [ -n "${OUT:-}" ]; then target="$OUT/gpu.md"; else target="benches/results/$name.md"; fi
    cp "$work/report.md" "$target"
    cat "$target"
    echo "written to $target"
    ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
