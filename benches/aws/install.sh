#!/usr/bin/env bash
# Installs cloud-custodian into target/servers/custodian, once, for the benchmark beside it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}/servers/custodian

if cmp -s "$here/requirements.txt" "$target/installed.txt"; then
  exit 0
fi
mkdir -p "$target"
rm -f "$target/installed.txt"
python3 -m venv --clear "$target/venv"
"$target/venv/bin/pip" install --quiet --no-deps --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$target/installed.txt"
