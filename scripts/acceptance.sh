#!/usr/bin/env bash
# Measures what the README promises of `wengert train vae`, on all of MNIST:
#   - the test loss after 10 epochs with the defaults, for the seeds 0, 1 and 2 (at most 106.0 nats an image);
#   - the same bytes in the checkpoint for 1, 2 and 3 threads, and for a run stopped after epoch 1 and resumed.
# Usage: scripts/acceptance.sh [FOLDER]     (the runs stay in FOLDER, by default a new temporary one)
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-$(mktemp -d)}
cargo build --release --quiet
wengert=${CARGO_TARGET_DIR:-target}/release/wengert
failures=0

check() { # description, command...
    local description=$1
    shift
    if "$@"; then echo "ok    $description"; else echo "FAIL  $description"; failures=$((failures + 1)); fi
}

for seed in 0 1 2; do
    run=$folder/seed-$seed
    started=$SECONDS
    "$wengert" train vae --seed "$seed" --out "$run" --quiet
    loss=$(tail -n 1 "$run/metrics.jsonl" | sed 's/.*"test_loss":\([0-9.]*\).*/\1/')
    check "seed $seed: test loss $loss nats an image after 10 epochs, $((SECONDS - started)) s" \
        awk "BEGIN { exit !($loss <= 106.0) }"
done

for threads in 1 2 3; do
    "$wengert" train vae --epochs 2 --threads "$threads" --out "$folder/threads-$threads" --quiet
done
"$wengert" train vae --epochs 1 --out "$folder/resumed" --quiet
"$wengert" train vae --epochs 2 --resume "$folder/resumed" --quiet
last=checkpoints/last.safetensors
for other in threads-2 threads-3 resumed; do
    check "$other has the bytes of threads-1" cmp -s "$folder/threads-1/$last" "$folder/$other/$last"
done

echo "runs: $folder"
exit $((failures > 0))
