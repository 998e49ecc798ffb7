#!/bin/sh
# Prints the path of h2spec 2.2.1 (146 strict cases), building it first if it is not cached. Newer versions are not served by the module proxy.
exec "$(dirname "$0")/go-tool.sh" h2spec github.com/summerwind/h2spec/cmd/h2spec github.com/summerwind/h2spec v2.2.1+incompatible
