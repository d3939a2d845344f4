#!/bin/sh
# Writes models/packages/NAME by the build.py of a sense: the graph and its golden sample. Needs python3 with venv and what pip fetches; a minute.
# `fault` trains: it hears some hundred simulated machines first, half an hour on two cores, into SELVEDGE_FAULT_DATA (kept, and used again).
set -eu
sense=${1:?vision, voiceprint or fault}
training=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
here=$training/$sense
case $sense in
  vision) package=fabric-anomaly ;;
  voiceprint) package=machine-voiceprint ;;
  fault) package=machine-fault ;;
  *) echo "build.sh vision|voiceprint|fault" >&2; exit 2 ;;
esac
venv=${TMPDIR:-/tmp}/selvedge-$sense-venv-$(id -u)
if ! "$venv/bin/python" -c 'import onnx' 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
if [ "$sense" = fault ]; then
  SELVEDGE_FAULT_DATA=${SELVEDGE_FAULT_DATA:-${TMPDIR:-/tmp}/selvedge-fault-data-$(id -u)}
  export SELVEDGE_FAULT_DATA
  mkdir -p "$SELVEDGE_FAULT_DATA"
  # Sums over several threads are added in no order: one thread gives the same bytes again.
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
  graph=$SELVEDGE_FAULT_DATA/hearing.onnx
  "$venv/bin/python" "$here/build.py" --hearing "$graph"
  cd "$training/../.."
  samples() { node_modules/.bin/node --disable-warning=ExperimentalWarning test/training/fault-samples.ts "$graph" "$@"; }
  # Two halves at once; they are told by their seeds.
  half() { samples sewing narrow "$1" "$2"; samples knitting narrow "$1" "$3"; samples sewing wide "$4" "$5"; samples knitting wide "$4" "$6"; }
  half 101 143 116 301 313 307 &
  other=$!
  half 201 242 216 401 413 407
  wait "$other"
  set -- "$SELVEDGE_FAULT_DATA"
else
  set --
fi
exec "$venv/bin/python" "$here/build.py" "$training/../packages/$package" "$@"
