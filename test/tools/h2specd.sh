#!/bin/sh
# Prints the path of h2specd 2.2.1 (57 cases for clients: the gateway as its upstreams see it), building it first if it is not cached.
exec "$(dirname "$0")/go-tool.sh" h2specd github.com/summerwind/h2spec/cmd/h2specd github.com/summerwind/h2spec v2.2.1+incompatible
