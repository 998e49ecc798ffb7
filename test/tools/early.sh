#!/bin/sh
# Builds the real peers of test/wire/early-answers.test.ts (test/tools/early, modules pinned by its go.sum) and prints the path of the program.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=$(cd "$here/../.." && pwd)/.cache/tools
binary=$cache/early
if [ ! -x "$binary" ] || [ "$here/early/main.go" -nt "$binary" ]; then
  mkdir -p "$cache"
  export GOTOOLCHAIN=local
  (cd "$here/early" && go build -p 2 -trimpath -o "$binary.part" .) >&2
  mv "$binary.part" "$binary"
fi
echo "$binary"
