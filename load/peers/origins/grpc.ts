// What suites and the gRPC model server say to each other.

export interface GrpcOriginQuestion {
  /** A port for each predictor, and the character that its messages are made of. */
  readonly predictors: Readonly<Record<string, string>>;
}

export interface GrpcOriginReport {
  readonly ports: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly openStreams: number;
}

/** In the order of a plan's answers. */
export const grpcPredictors = { main: "m", canary: "c" } as const;
