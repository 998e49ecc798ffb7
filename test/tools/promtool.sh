#!/bin/sh
# Prints the path of promtool, building it first if it is not cached: without service discovery, which no test needs.
exec "$(dirname "$0")/go-tool.sh" promtool github.com/prometheus/prometheus/cmd/promtool github.com/prometheus/prometheus v0.316.0 remove_all_sd
