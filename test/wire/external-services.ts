// External services for wire tests: how a gateway is told of them, and real servers of their protocols on grpc-js.
import {
  Server,
  ServerCredentials,
  loadPackageDefinition,
  status,
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import {
  noExternalServices,
  type AuthService,
  type ExternalServices,
  type RateLimitService,
} from "../../routing/model/external-services.ts";
import { plainGuard, type Guard } from "../../routing/model/guard.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { plainSettings } from "../../routing/model/table-change.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { endpointsOn, irisTo, type Gateway } from "./gateway.ts";

export const httpAuth: AuthService = {
  proto: "http",
  places: [{ upstream: "auth", authority: "auth.ambassador:3000" }],
  timeoutMs: 5000,
  pathPrefix: "",
  requestHeaders: [
    "authorization",
    "cookie",
    "from",
    "proxy-authorization",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
  ],
  answerHeaders: ["location", "authorization", "proxy-authenticate", "set-cookie", "www-authenticate"],
  trustedHeaders: [],
  addedHeaders: [],
  addLinkerdHeaders: false,
  body: null,
  statusOnError: 403,
  failureModeAllow: false,
};

export const grpcAuth: AuthService = { ...httpAuth, proto: "grpc" };

export const rateLimits: RateLimitService = {
  place: { upstream: "limits", authority: "limits.ambassador:8081" },
  domain: "ambassador",
  timeoutMs: 20,
  failureModeDeny: false,
  resourceExhausted: false,
  sourceCluster: "default-ambassador",
};

export interface Guarding {
  readonly auth?: AuthService | "closed";
  readonly authPort?: number;
  readonly authUpstream?: Partial<Upstream>;
  readonly rateLimit?: RateLimitService | "closed";
  readonly limitsPort?: number;
  readonly target?: Partial<ForwardTarget>;
  readonly guard?: Guard;
  /** Beside `iris`. */
  readonly mappings?: readonly Mapping[];
  /** Ports of other Upstreams, by key. */
  readonly others?: Readonly<Record<string, number>>;
  readonly iris?: Partial<Upstream>;
}

/** `/seldon/prod/iris/` on this port, behind these services. */
export function serveGuarded(
  gateway: Gateway,
  port: number,
  {
    auth,
    authPort,
    authUpstream = {},
    rateLimit,
    limitsPort,
    target = {},
    guard = plainGuard,
    mappings = [],
    others = {},
    iris = {},
  }: Guarding,
): void {
  const external: ExternalServices = {
    auth:
      auth === undefined
        ? noExternalServices.auth
        : auth === "closed"
          ? { kind: "closed" }
          : { kind: "service", service: auth },
    rateLimit:
      rateLimit === undefined
        ? noExternalServices.rateLimit
        : rateLimit === "closed"
          ? { kind: "closed" }
          : { kind: "service", service: rateLimit },
  };
  const grpc = auth !== undefined && auth !== "closed" && auth.proto === "grpc";
  const upstreams: Upstream[] = [
    { ...upstreamOf("iris"), ...iris },
    { ...upstreamOf("auth"), protocol: grpc ? "http2" : "http1", ...authUpstream },
    { ...upstreamOf("limits"), protocol: "http2" },
    ...Object.keys(others).map((key) => upstreamOf(key)),
  ];
  const endpoints = [
    endpointsOn("iris", [port]),
    endpointsOn("auth", authPort === undefined ? [] : [authPort]),
    endpointsOn("limits", limitsPort === undefined ? [] : [limitsPort]),
    ...Object.entries(others).map(([key, one]) => endpointsOn(key, [one])),
  ];
  gateway.serve([{ ...irisTo("iris", target), guard }, ...mappings], upstreams, endpoints, {
    settings: { ...plainSettings, external },
  });
}

type Json = Readonly<Record<string, unknown>>;
/** What a service says of a request; a number is a gRPC status. */
export type Judge = (request: Json, metadata: Metadata) => Json | number | null;

/** A service of one method on grpc-js, with the published protos. Null: it never answers. */
export class GrpcService {
  readonly requests: Json[] = [];
  readonly #server = new Server();
  judge: Judge;
  port = 0;

  private constructor(file: string, path: readonly string[], method: string, judge: Judge) {
    this.judge = judge;
    const loaded = loadPackageDefinition(
      loadSync(`${import.meta.dirname}/../protos/${file}`, {
        keepCase: true,
        longs: Number,
        enums: String,
        defaults: false,
      }),
    );
    const { service } = path.reduce<unknown>(
      (at, name) => (at as Readonly<Record<string, unknown>>)[name],
      loaded,
    ) as ServiceClientConstructor;
    this.#server.addService(service, {
      [method]: (call: ServerUnaryCall<Json, Json>, reply: sendUnaryData<Json>) => this.#answer(call, reply),
    });
  }

  static auth(judge: Judge): Promise<GrpcService> {
    return new GrpcService(
      "external_auth.proto",
      ["envoy", "service", "auth", "v3", "Authorization"],
      "Check",
      judge,
    ).#listen();
  }

  static rateLimit(judge: Judge): Promise<GrpcService> {
    return new GrpcService(
      "rls.proto",
      ["envoy", "service", "ratelimit", "v3", "RateLimitService"],
      "ShouldRateLimit",
      judge,
    ).#listen();
  }

  #answer(call: ServerUnaryCall<Json, Json>, reply: sendUnaryData<Json>): void {
    this.requests.push(call.request);
    const said = this.judge(call.request, call.metadata);
    if (said === null) return;
    if (typeof said === "number") reply({ code: said, details: status[said] ?? "" });
    else reply(null, said);
  }

  async #listen(): Promise<this> {
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return this;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}
