#!/bin/sh
# Prints the path of one half of gRPC's interop suite, building it first if it is not cached. Usage: grpc-interop.sh client|server
exec "$(dirname "$0")/go-tool.sh" "grpc-interop-$1" "google.golang.org/grpc/interop/$1" google.golang.org/grpc v1.83.1
