#!/bin/sh
# Runs one k6 script: `load/k6/run.sh canary`, with more words for k6 behind it: `load/k6/run.sh canary -e URL=http://127.0.0.1:8080 -e SHARE=0.1`.
# Exit code 99: a threshold was missed.
here=$(dirname "$0")
script=$1
shift
exec "$("$here/../tools/k6.sh")" run --no-usage-report "$@" "$here/$script.ts"
