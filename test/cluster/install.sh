#!/bin/sh
# Builds etcd 3.6, kube-apiserver and kubectl 1.36 and helm 4 from the pinned Go module in binaries/, and prints the folder that holds them:
# .cache/cluster/<hash of the module, this script and Go's version>. About 5 minutes on two cores; at once when they are there.
# Usage: install.sh            build what is missing
#        install.sh --print    build nothing: print the folder if it is there
# Exit code 3, with one line that says why: they are not here, or cannot be built here (no Go, an older Go, the module proxy is not reached).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=$(cd "$here/../.." && pwd)/.cache/cluster
kubernetes=v1.36.3

unavailable() {
  echo "the programs of the test cluster are not here: $1" >&2
  exit 3
}

command -v go > /dev/null || unavailable 'there is no go command; install Go 1.26 or later'
export GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0 GOFLAGS='-mod=readonly -modcacherw -buildvcs=false'
version=$(go env GOVERSION)
hash=$(cat "$here/binaries/go.mod" "$here/binaries/go.sum" "$here/install.sh" | { cat; echo "$version"; } | git hash-object --stdin | cut -c 1-16)
folder=$cache/$hash
if [ -d "$folder" ]; then
  echo "$folder"
  exit 0
fi
[ "${1:-}" != --print ] || unavailable 'run test/cluster/install.sh first'
minor=$(echo "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 26 ] || unavailable "this is $version; install Go 1.26 or later"

mkdir -p "$cache"
# One build at a time; who waited finds the folder made. Where there is no flock, two builds do the same work twice.
exec 9> "$cache/lock"
if command -v flock > /dev/null; then flock 9; fi
if [ -d "$folder" ]; then
  echo "$folder"
  exit 0
fi

# Caches of its own, deleted at the end: 2.7 GB that nothing else would use.
work=$(mktemp -d "$cache/build-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
export GOPATH="$work/go" GOMODCACHE="$work/modules" GOCACHE="$work/objects" GOTMPDIR="$work"
# From the module proxy or not at all: never from a repository itself.
GOPROXY=$(go env GOPROXY | sed 's/[,|]direct//g')
export GOPROXY
cd "$here/binaries"
if ! go mod download > "$work/download.log" 2>&1; then
  cat "$work/download.log" >&2
  # What is served and differs from go.sum is no excuse.
  ! grep -qE 'SECURITY ERROR|checksum mismatch|missing go.sum' "$work/download.log" || exit 1
  unavailable 'the module proxy does not serve a module of binaries/go.mod (above)'
fi

flags='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags="$flags -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=36 -X $package.gitTreeState=clean -X $package.buildDate=1970-01-01T00:00:00Z"
done
mkdir "$work/out"
GOGC=400 go build -p 2 -trimpath -gcflags=all=-dwarf=false -ldflags="$flags" -o "$work/out/" tool >&2
# The main package of etcd is called server.
mv "$work/out/server" "$work/out/etcd"
mv "$work/out" "$folder"
echo "$folder"
