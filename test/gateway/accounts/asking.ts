// Clients on sockets of their own that say what they saw of each request.
import * as http2 from "node:http2";
import { connect } from "node:net";
import type { ScriptedModels } from "./scripted-models.ts";

/** When a client leaves: once the model was asked, with the first byte of the answer, or after the last. */
export type Leaving = "before" | "during" | "after";

export interface Asking {
  readonly port: number;
  readonly id: string;
  readonly plan: string;
  readonly leaving: Leaving;
  readonly models: Pick<ScriptedModels, "asked">;
}

/** One that hears nothing for so long gives up, ms: it was cut. */
const patienceMs = 30_000;

/** What a client saw. */
export interface Seen {
  readonly id: string;
  /** Status of HTTP; 0: the head of no answer came. */
  readonly status: number;
  /** −1: none came. */
  readonly grpcStatus: number;
  /** The answer came to its end. */
  readonly isWhole: boolean;
  /** The client left while it was asking. */
  readonly left: boolean;
  readonly answeredId: string;
  /** Which model answered, by its own word; "": none said it. */
  readonly model: string;
  /** The puid that the model was told, as it answers it; "": none. */
  readonly puid: string;
}

/** A request of HTTP/1.1 with these lines of its head, on a connection of its own. */
export async function askRest(
  { port, id, plan, leaving, models }: Asking,
  line: string,
  more = "",
  body: string | Buffer = "",
): Promise<Seen> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  let left = false;
  const leave = (): void => {
    left = true;
    socket.resetAndDestroy();
  };
  socket.on("error", () => undefined);
  socket.setTimeout(patienceMs, () => socket.destroy());
  const fields = `host: a\r\nx-request-id: ${id}\r\nx-plan: ${plan}\r\nconnection: close\r\n${more}`;
  socket.write(Buffer.concat([Buffer.from(`${line}\r\n${fields}\r\n`), Buffer.from(body)]));
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
    if (leaving === "during") leave();
  });
  if (leaving === "before") void models.asked(id).then(leave);
  await new Promise((resolve) => socket.once("close", resolve));
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, Math.max(end, 0));
  const length = Number(/^content-length: (\d+)/imu.exec(head)?.[1] ?? "0");
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "imu").exec(head)?.[1] ?? "";
  return {
    id,
    status: Number(/^HTTP\/1\.[01] (\d+)/u.exec(head)?.[1] ?? "0"),
    // Of gRPC-Web.
    grpcStatus: Number(/grpc-status: ?(\d+)/iu.exec(text)?.[1] ?? "-1"),
    isWhole: end >= 0 && text.length - end - 4 >= length,
    left,
    answeredId: field("x-request-id"),
    model: field("x-model"),
    puid: field("seldon-puid"),
  };
}

/** A call of gRPC on a connection of its own. */
export async function askGrpc(
  { port, id, plan, leaving, models }: Asking,
  more: http2.OutgoingHttpHeaders,
  message = Buffer.alloc(5),
): Promise<Seen> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  session.setTimeout(patienceMs, () => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/seldon.protos.Seldon/Predict",
    "content-type": "application/grpc",
    te: "trailers",
    namespace: "prod",
    "x-request-id": id,
    "x-plan": plan,
    ...more,
  });
  let [status, grpcStatus, answeredId, left, model, puid] = [0, -1, "", false, "", ""];
  const leave = (): void => {
    left = true;
    stream.close(http2.constants.NGHTTP2_CANCEL);
  };
  const read = (fields: http2.IncomingHttpHeaders): void => {
    const said = fields["grpc-status"];
    if (said !== undefined) grpcStatus = Number(said);
  };
  stream.on("error", () => undefined);
  stream.on("response", (fields) => {
    status = Number(fields[":status"]);
    answeredId = String(fields["x-request-id"] ?? "");
    model = String(fields["x-model"] ?? "");
    puid = String(fields["seldon-puid"] ?? "");
    read(fields);
    if (leaving === "during" && !stream.closed) leave();
  });
  stream.on("trailers", read);
  stream.resume();
  stream.end(message);
  if (leaving === "before") void models.asked(id).then(leave);
  await new Promise((resolve) => stream.once("close", resolve));
  const isWhole = status > 0 && stream.rstCode === 0;
  session.destroy();
  return { id, status, grpcStatus, isWhole, left, answeredId, model, puid };
}
