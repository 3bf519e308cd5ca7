#!/usr/bin/env bash
# The page's libraries are the very bytes of their npm packages, and those of crates/study/assets/vendor/SHA256SUMS.
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=$PWD/crates/study/assets/vendor
(cd "$vendor" && sha256sum --check --quiet SHA256SUMS)
for file in "$vendor"/*; do
  name=$(basename "$file")
  [ "$name" = SHA256SUMS ] || grep -q "  $name\$" "$vendor/SHA256SUMS" || { echo "check-vendor: $name is not in SHA256SUMS" >&2; exit 1; }
done

work=target/ci/vendor
rm -rf "$work"
mkdir -p "$work"
# The package, and its files by their names here.
compare() {
  local package=$1 folder pair
  shift
  folder=$(mktemp -d "$work/XXXXXX")
  (cd "$folder" && npm pack --silent "$package" > /dev/null && tar xzf ./*.tgz)
  for pair in "$@"; do
    cmp "$folder/package/${pair#*=}" "$vendor/${pair%%=*}"
  done
}
compare uplot@1.6.32 uPlot.esm.js=dist/uPlot.esm.js uPlot.min.css=dist/uPlot.min.css uPlot.LICENSE=LICENSE
compare @dagrejs/dagre@3.1.3 dagre.esm.js=dist/dagre.esm.js dagre.LICENSE=LICENSE
# Its one dependency, which is part of dagre.esm.js.
compare @dagrejs/graphlib@4.0.6 graphlib.LICENSE=LICENSE
echo "the page's libraries are those of npm"
