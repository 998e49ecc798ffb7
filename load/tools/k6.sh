#!/bin/sh
# Prints the path of k6 2.2.0, building it first if it is not cached (about two minutes). A plain `go install` of k6 v2 fails in a look-up.
exec "$(dirname "$0")/../../test/tools/go-tool.sh" k6 go.k6.io/k6/v2 go.k6.io/k6/v2 v2.2.0
