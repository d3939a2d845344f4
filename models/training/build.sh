#!/bin/sh
# Writes models/packages/NAME by the build.py of a sense: the graph and its golden sample. Needs python3 with venv and what pip fetches; a minute.
set -eu
sense=${1:?vision or voiceprint}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/$sense
case $sense in
  vision) package=fabric-anomaly ;;
  voiceprint) package=machine-voiceprint ;;
  *) echo "build.sh vision|voiceprint" >&2; exit 2 ;;
esac
venv=${TMPDIR:-/tmp}/selvedge-$sense-venv-$(id -u)
if ! "$venv/bin/python" -c 'import onnx' 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
exec "$venv/bin/python" "$here/build.py" "$here/../../packages/$package"
