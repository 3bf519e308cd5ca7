#!/usr/bin/env bash
# Trains and judges the models of scripts/zoo.toml and rewrites docs/zoo.md from what came out.
# Usage: scripts/zoo.sh [--budget quick|full] [--seeds N] [--threads N] [--runs FOLDER] [--table] [ENTRY…]
#   quick   at most 10 minutes a model on two cores (the default)
#   full    as long as the papers train, hours each
#   --table rewrites docs/zoo.md from the results there are, without a run
# Needs Rust and Python 3.11 or later, nothing else. A model that was interrupted goes on where it stopped; a finished
# one is judged again and not trained again, unless its folder of target/zoo is removed.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
    *" --table "* | *" --help "* | *" -h "*) exec python3 scripts/zoo.py "$@" ;;
esac
# WENGERT names a program that is already built.
if [ -z "${WENGERT:-}" ]; then
    cargo build --release --quiet
    WENGERT=${CARGO_TARGET_DIR:-target}/release/wengert
fi
exec python3 scripts/zoo.py --program "$WENGERT" "$@"
