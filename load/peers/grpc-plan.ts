// What the harness asks of the gRPC generator.
import type { Deployment, FleetPlan } from "./fleet.ts";
import { plainPlan, type LoadPlan } from "./load-plan.ts";
import { grpcPredictors } from "./origins/grpc.ts";

/** `bodyBytes` is the length of a message, the same both ways; `answers` are the characters that predictors fill theirs with. */
export interface GrpcPlan extends LoadPlan {
  /** Calls at once on a connection. */
  readonly streams: number;
  /** Each call has a `grpc-timeout` and a `traceparent` of its own. */
  readonly varied: boolean;
}

export function plainGrpcPlan(
  fleet: FleetPlan,
  times: { readonly warmUpMs: number; readonly measureMs: number },
): GrpcPlan {
  return {
    ...plainPlan(fleet, times),
    connections: 8,
    bodyBytes: 72,
    answers: Object.values(grpcPredictors),
    streams: 16,
    varied: false,
  };
}

/** Metadata as Seldon's Python client sends it. */
export function callFields(deployment: Pick<Deployment, "name" | "namespace">): readonly (readonly [string, string])[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/seldon.protos.Seldon/Predict"],
    [":authority", "gateway.example:8003"],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ["user-agent", "grpc-python/1.60.0 grpc-c/37.0.0 (linux; chttp2)"],
    ["grpc-accept-encoding", "identity, deflate, gzip"],
    ["seldon", deployment.name],
    ["namespace", deployment.namespace],
  ];
}
