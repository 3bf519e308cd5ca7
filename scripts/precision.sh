#!/usr/bin/env bash
# Holds training with --precision bf16x6 and bf16x3 against f32, as a Markdown table:
#   - the test loss of `wengert train vae` on all of MNIST, after EPOCHS epochs (2), for the seeds 0, 1 and 2;
#   - the loss of each training workload of the bench after STEPS steps (200) of BATCH examples (32).
# Beside them stands f32 with another instruction set, whose sums round in another order: how far apart two runs come for
# no better reason than rounding. A processor without AMX emulates it, which takes some ten minutes on two cores.
# Usage: scripts/precision.sh
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --quiet
wengert=${CARGO_TARGET_DIR:-target}/release/wengert
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$wengert" bench mlp --precision bf16x3 --batch 1 --rounds 1 --steps 1 --json 2>&1 | grep -q '^note' && export WENGERT_AMX=emulate

columns=("f32" "f32, AVX2" "bf16x6" "bf16x3")
with() { # column, command...
    local column=$1
    shift
    case $column in
    "f32, AVX2") WENGERT_SIMD=avx2 "$@" --precision f32 ;;
    *) "$@" --precision "$column" ;;
    esac
}

printf '| training | %s | %s | %s | %s |\n| --- | --: | --: | --: | --: |\n' "${columns[@]}"
for seed in 0 1 2; do
    printf '| vae, MNIST, seed %s |' "$seed"
    for column in "${columns[@]}"; do
        with "$column" "$wengert" train vae --epochs "${EPOCHS:-2}" --seed "$seed" --out "$folder/$seed-$column" --quiet
        printf ' %.3f |' "$(tail -n 1 "$folder/$seed-$column/metrics.jsonl" | sed 's/.*"test_loss":\([0-9.]*\).*/\1/')"
    done
    echo
done
for workload in mlp vae gan dcgan wgan-gp gru; do
    printf '| %s |' "$workload"
    for column in "${columns[@]}"; do
        record=$(with "$column" "$wengert" bench "$workload" --batch "${BATCH:-32}" --rounds 1 --steps "${STEPS:-200}" --json)
        printf ' %.5f |' "$(sed 's/.*"loss_last":\(-\?[0-9.e-]*\).*/\1/' <<<"$record")"
    done
    echo
done
