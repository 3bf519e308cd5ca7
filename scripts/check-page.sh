#!/usr/bin/env bash
# Drives the views of `wengert study` in Chromium: tests/page/views. Installs what it needs into target/ci/page, and Chromium
# and Node by apt where they are missing. $WENGERT_PROGRAM is a program that is built already.
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
if [ -z "${WENGERT_PROGRAM:-}" ]; then
  cargo build --locked --quiet --bin wengert
  WENGERT_PROGRAM=${CARGO_TARGET_DIR:-$PWD/target}/debug/wengert
fi
mkdir -p target/ci/page
cp -r tests/page/. target/ci/page
(cd target/ci/page && npm ci --silent --ignore-scripts --no-audit --no-fund)
DIGITS=$PWD/datasets/mnist WENGERT=$WENGERT_PROGRAM node target/ci/page/run.mjs "$@"
