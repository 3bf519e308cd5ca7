#!/usr/bin/env bash
# Drives the views of `wengert study` in Chromium: tests/page/views. Installs what it needs into target/ci/page, and Chromium
# and Node by apt where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v npm > /dev/null || missing+=(nodejs npm)
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -q
  apt-get install -qy --no-install-recommends "${missing[@]}"
fi
scripts/check-vendor.sh
cargo build --locked --quiet --bin wengert
mkdir -p target/ci/page
cp -r tests/page/. target/ci/page
(cd target/ci/page && npm ci --silent --ignore-scripts --no-audit --no-fund)
DIGITS=$PWD/datasets/mnist WENGERT="${CARGO_TARGET_DIR:-$PWD/target}/debug/wengert" node target/ci/page/run.mjs "$@"
