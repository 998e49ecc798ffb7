#!/bin/sh
# Prints the path of grpcurl 1.9.4, building it first if it is not cached.
exec "$(dirname "$0")/go-tool.sh" grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl github.com/fullstorydev/grpcurl v1.9.4
