#!/bin/sh
# Prints the path of actionlint 1.7.7, building it first if it is not cached.
exec "$(dirname "$0")/go-tool.sh" actionlint github.com/rhysd/actionlint/cmd/actionlint github.com/rhysd/actionlint v1.7.7
