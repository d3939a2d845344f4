#!/bin/sh
# Writes models/packages/machine-voiceprint: the graph and its golden sample. Needs python3 with venv and what pip fetches; a minute.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
venv=${TMPDIR:-/tmp}/selvedge-voiceprint-venv-$(id -u)
if ! "$venv/bin/python" -c 'import onnx' 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
exec "$venv/bin/python" "$here/build.py" "$here/../../packages/machine-voiceprint"
