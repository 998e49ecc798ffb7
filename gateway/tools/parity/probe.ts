// One harmless request to a gateway: what came of it, within bounds, whatever answers there.
import { connect } from "node:http2";

export interface Probe {
  readonly protocol: "REST" | "gRPC";
  /** `/seldon/prod/iris/v2/health/ready`; of gRPC the path of the method. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** null: a GET without a body. */
  readonly body: string | null;
}

export interface Answered {
  /** `200`, `gRPC 12`, or why there was no answer. */
  readonly status: string;
  /** Names of its headers, sorted. */
  readonly headers: readonly string[];
  /** What says who answered; "": nothing does. */
  readonly answeredBy: string;
  readonly ms: number;
}

/** Time for the whole answer, ms. */
export const answerMs = 5_000;
/** Bytes of a body that are looked at. */
export const maxBodyBytes = 64 * 1024;
/** Headers of one answer that are compared. */
const maxHeaders = 100;

export async function probeOf(base: string, probe: Probe): Promise<Answered> {
  const startedMs = performance.now();
  const answered = await (probe.protocol === "REST" ? rest(base, probe) : grpc(base, probe));
  return { ...answered, ms: Math.round(performance.now() - startedMs) };
}

type Reply = Omit<Answered, "ms">;

function noAnswer(error: unknown): Reply {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const isLate = error instanceof Error && error.name === "TimeoutError";
  const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "it answers garbage or nothing";
  return { status: `no answer (${isLate ? `none in ${answerMs} ms` : reason})`, headers: [], answeredBy: "" };
}

async function rest(base: string, { path, headers, body }: Probe): Promise<Reply> {
  try {
    const response = await fetch(base + path, {
      method: body === null ? "GET" : "POST",
      headers: body === null ? headers : { "content-type": "application/json", ...headers },
      ...(body === null ? {} : { body }),
      redirect: "manual",
      signal: AbortSignal.timeout(answerMs),
    });
    let bytes = 0;
    for await (const part of response.body ?? []) {
      bytes += (part as Uint8Array).length;
      if (bytes > maxBodyBytes) break;
    }
    return {
      status: String(response.status),
      headers: namesOf(response.headers.keys()),
      answeredBy: response.headers.get("x-sluice-predictor") ?? "",
    };
  } catch (error) {
    return noAnswer(error);
  }
}

/** A call with an empty message, over HTTP/2 without TLS, or with it for https. */
function grpc(base: string, { path, headers }: Probe): Promise<Reply> {
  return new Promise((resolve) => {
    const session = connect(base);
    let settled = false;
    const settle = (reply: Reply): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      session.destroy();
      resolve(reply);
    };
    const late = Object.assign(new Error("late"), { name: "TimeoutError" });
    const timer = setTimeout(() => settle(noAnswer(late)), answerMs);
    session.on("error", (error) => settle(noAnswer(error)));
    session.on("close", () => settle(noAnswer(null)));
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let seen: Readonly<Record<string, unknown>> = {};
    let bytes = 0;
    stream.on("error", (error) => settle(noAnswer(error)));
    stream.on("response", (head) => (seen = { ...seen, ...head }));
    stream.on("trailers", (trailers) => (seen = { ...seen, ...trailers }));
    stream.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBodyBytes) stream.close();
    });
    stream.on("close", () => {
      const { ":status": status, "grpc-status": code, "x-sluice-predictor": answeredBy } = seen;
      if (status === undefined) return settle(noAnswer(null));
      settle({
        status:
          typeof code === "string" && /^\d{1,2}$/.test(code)
            ? `gRPC ${code}`
            : `HTTP ${JSON.stringify(status)} without a gRPC status`,
        headers: namesOf(Object.keys(seen).filter((name) => !name.startsWith(":"))),
        answeredBy: typeof answeredBy === "string" ? answeredBy : "",
      });
    });
    stream.end(Buffer.alloc(5));
  });
}

function namesOf(names: Iterable<string>): readonly string[] {
  return [...names].slice(0, maxHeaders).sort();
}
