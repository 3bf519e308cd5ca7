#!/usr/bin/env bash
# Drives the views of `wengert study` in Chromium: tests/page/views. Installs what it needs into target/ci/page, and Chromium
# and Node by apt where they are missing. $WENGERT_PROGRAM is a program that is built already.
# Usage: scripts/check-page.sh [VIEW...], or --install for what it needs alone.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v npm > /dev/null || missing+=(nodejs npm)
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -q
  apt-get install -qy --no-install-recommends "${missing[@]}"
fi
mkdir -p target/ci/page
cp -r tests/page/. target/ci/page
installed=target/ci/page/node_modules/installed.json
if ! cmp -s tests/page/package-lock.json "$installed"; then
  (cd target/ci/page && npm ci --silent --ignore-scripts --no-audit --no-fund)
  cp tests/page/package-lock.json "$installed"
fi
[ "${1:-}" != --install ] || exit 0

scripts/check-vendor.sh
if [ -z "${WENGERT_PROGRAM:-}" ]; then
  cargo build --locked --quiet --bin wengert
  WENGERT_PROGRAM=${CARGO_TARGET_DIR:-$PWD/target}/debug/wengert
fi
DIGITS=$PWD/datasets/mnist WENGERT=$WENGERT_PROGRAM node target/ci/page/run.mjs "$@"
