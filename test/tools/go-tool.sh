#!/bin/sh
# Builds one pinned Go program into .cache/tools and prints its path. A small module of our own requires it, because `go install` refuses
# modules whose tags have no /v2 path or whose go.mod replaces others.
# Usage: go-tool.sh NAME PACKAGE MODULE VERSION [TAGS]
set -eu
name=$1 package=$2 module=$3 version=$4 tags=${5:-}
cache=$(cd "$(dirname "$0")/../.." && pwd)/.cache/tools
binary=$cache/$name-$(echo "$version" | tr -c 'A-Za-z0-9.\n' '-')
if [ ! -x "$binary" ]; then
  work=$(mktemp -d)
  trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
  cd "$work"
  cat > go.mod <<MODULE
module sluice.local/tool

go 1.24

require $module $version
MODULE
  printf '//go:build tools\n\npackage tools\n\nimport _ "%s"\n' "$package" > tools.go
  mkdir -p "$cache"
  export GOTOOLCHAIN=local GOFLAGS=-mod=mod
  go mod tidy >&2
  go build -p "${GO_BUILD_P:-2}" -tags "$tags" -trimpath -o "$binary.part" "$package" >&2
  mv "$binary.part" "$binary"
fi
echo "$binary"
