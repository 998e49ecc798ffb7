#!/usr/bin/env bash
# Everything that the harness needs, in one command; quick when it is already there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/debian.sh"
"$here/envoy.sh"
"$here/k6.sh"
