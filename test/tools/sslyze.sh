#!/bin/sh
# Prints the path of sslyze, a scanner of TLS, installing it from PyPI if it is not cached. Exit code 3: there is no Python, or PyPI cannot be reached.
set -eu
version=6.3.1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$here/../.." && pwd)/.cache/tools/sslyze-$version
if [ ! -x "$folder/bin/sslyze" ]; then
  rm -rf "$folder"
  if ! python3 -m venv "$folder" > /dev/null 2>&1; then
    echo 'there is no python3 with venv: TLS is not scanned by sslyze' >&2
    exit 3
  fi
  if ! "$folder/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder/reached" "sslyze==$version" > /dev/null 2>&1; then
    echo 'PyPI cannot be reached: TLS is not scanned by sslyze' >&2
    exit 3
  fi
  "$folder/bin/pip" install --quiet --disable-pip-version-check "sslyze==$version" >&2
fi
echo "$folder/bin/sslyze"
