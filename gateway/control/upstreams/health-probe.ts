// One probe of a health check: a connection of its own, one request, one verdict, within its time whatever the other side does. Node's clients will do: probes
// are few and no traffic goes here.
import { Buffer } from "node:buffer";
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { ConnectionOptions } from "node:tls";
import { responseTo, within } from "../../../k8s/source/http/http-call.ts";
import {
  printEndpoint,
  type Endpoint,
  type GrpcProbe,
  type HealthCheck,
  type HttpProbe,
  type Upstream,
  type UpstreamTls,
} from "../../../routing/model/upstream.ts";

const agentName = "sluice-health-check";
/** Bytes of a gRPC answer that are read: a HealthCheckResponse has 7. */
const maxAnswerBytes = 1024;

/** Is it well? What goes wrong in any way is "no". */
export async function probeEndpoint(
  { protocol, tls }: Pick<Upstream, "protocol" | "tls">,
  { probe, timeoutMs }: HealthCheck,
  endpoint: Endpoint,
): Promise<boolean> {
  try {
    return await within(timeoutMs, async (signal) => {
      if (probe.kind === "grpc") return callHealth(probe, tls, endpoint, signal);
      return isExpected(
        probe,
        await (protocol === "http2" ? statusOverHttp2 : statusOverHttp1)(probe, tls, endpoint, signal),
      );
    });
  } catch {
    return false;
  }
}

function isExpected({ statuses }: HttpProbe, status: number): boolean {
  return statuses.some(([least, most]) => status >= least && status <= most);
}

/** As the data plane dials: the chain is verified where there are authorities, the name never, as with Ambassador. */
function tlsOptions(tls: UpstreamTls): ConnectionOptions {
  return {
    rejectUnauthorized: tls.caPem !== null,
    checkServerIdentity: () => undefined,
    ...(tls.sni === null ? {} : { servername: tls.sni }),
    ...(tls.caPem === null ? {} : { ca: tls.caPem }),
    ...(tls.certificate === null ? {} : { cert: tls.certificate.certPem, key: tls.certificate.keyPem }),
  };
}

async function statusOverHttp1(
  probe: HttpProbe,
  tls: UpstreamTls | null,
  { ip, port }: Endpoint,
  signal: AbortSignal,
): Promise<number> {
  const headers = {
    "user-agent": agentName,
    ...Object.fromEntries(probe.headers),
    host: probe.host ?? printEndpoint(ip, port),
    connection: "close",
  };
  const options = { host: ip, port, path: probe.path, headers, signal, agent: false };
  const response = await responseTo(tls !== null, { ...options, ...(tls === null ? {} : tlsOptions(tls)) }, null);
  response.destroy();
  return response.statusCode ?? 0;
}

/** Sends one request on a session of its own, which ends with `use`. */
async function overHttp2<T>(
  tls: UpstreamTls | null,
  { ip, port }: Endpoint,
  signal: AbortSignal,
  headers: OutgoingHttpHeaders,
  body: Buffer | null,
  use: (stream: ClientHttp2Stream, resolve: (value: T) => void) => void,
): Promise<T> {
  let session: ClientHttp2Session | null = null;
  try {
    return await new Promise<T>((resolve, reject) => {
      const address = printEndpoint(ip, port);
      session = tls === null ? connectHttp2(`http://${address}`) : connectHttp2(`https://${address}`, tlsOptions(tls));
      signal.addEventListener("abort", () => session?.destroy());
      session.on("error", reject);
      session.on("close", () => reject(new Error("the session ended")));
      const stream = session.request(headers, { endStream: body === null, signal });
      stream.on("error", reject);
      stream.on("close", () => reject(new Error("the stream ended")));
      use(stream, resolve);
      if (body !== null) stream.end(body);
    });
  } finally {
    (session as ClientHttp2Session | null)?.destroy();
  }
}

async function statusOverHttp2(
  probe: HttpProbe,
  tls: UpstreamTls | null,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<number> {
  const headers = {
    ":path": probe.path,
    ":authority": probe.host ?? printEndpoint(endpoint.ip, endpoint.port),
    "user-agent": agentName,
    ...Object.fromEntries(probe.headers),
  };
  return overHttp2(tls, endpoint, signal, headers, null, (stream, resolve) => {
    stream.on("response", (response: IncomingHttpHeaders & { readonly ":status"?: number }) =>
      resolve(response[":status"] ?? 0),
    );
    stream.resume();
  });
}

/** grpc.health.v1: SERVING with status OK, and nothing else, is well. */
async function callHealth(
  probe: GrpcProbe,
  tls: UpstreamTls | null,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<boolean> {
  const headers = {
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    ":authority": probe.authority ?? printEndpoint(endpoint.ip, endpoint.port),
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": agentName,
  };
  return overHttp2(tls, endpoint, signal, headers, healthRequest(probe.service), (stream, resolve) => {
    let answer = Buffer.alloc(0);
    stream.on("response", (response: IncomingHttpHeaders & { readonly ":status"?: number }) => {
      if (response[":status"] !== 200 || response["grpc-status"] !== undefined) resolve(false);
    });
    stream.on("data", (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length > maxAnswerBytes) resolve(false);
    });
    stream.on("trailers", (trailers: IncomingHttpHeaders) =>
      resolve(trailers["grpc-status"] === "0" && isServing(answer)),
    );
  });
}

/** A length-prefixed HealthCheckRequest: field 1 is the name of the service, at most 256 bytes. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** A length-prefixed HealthCheckResponse whose field 1 is 1, SERVING. */
function isServing(answer: Buffer): boolean {
  return answer.equals(Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]));
}
