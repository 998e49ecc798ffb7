#!/bin/sh
# Prints the path of Envoy's own rate limit service, building it first if it is not cached. It has no releases: a commit is pinned.
exec "$(dirname "$0")/go-tool.sh" ratelimit github.com/envoyproxy/ratelimit/src/service_cmd github.com/envoyproxy/ratelimit v1.4.1-0.20260122083618-3fb702589d36
