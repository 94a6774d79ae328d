#!/usr/bin/env bash
# Installs Google's Python library into target/servers/google, once (150 MB). Says what is missing and exits 1 if it cannot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/servers/google

# The stamp is a copy of what was installed: a changed list installs again.
if cmp -s "$here/requirements.txt" "$target/installed.txt"; then
  exit 0
fi
if ! command -v python3 >/dev/null; then
  echo "Google's Python library needs python3 (3.10 or newer), which is not on the PATH" >&2
  exit 1
fi
mkdir -p "$target"
rm -f "$target/installed.txt"
python3 -m venv --clear "$target/venv"
"$target/venv/bin/pip" install --quiet --no-deps --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$target/installed.txt"
