// An HTTP/2 client on node:http2, which is a peer in tests only.
import { once } from "node:events";
import * as http2 from "node:http2";
import type { Gateway } from "./gateway.ts";

export interface Http2Reply {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly informational: http2.IncomingHttpHeaders[];
  readonly body: string;
  readonly trailers: http2.IncomingHttpHeaders | null;
  /** Code of the RST_STREAM that ended it; 0: it ended well. */
  readonly code: number;
}

export class Http2Client {
  readonly session: http2.ClientHttp2Session;
  /** Last ids of the GOAWAY frames that came. */
  readonly goAways: number[] = [];

  private constructor(session: http2.ClientHttp2Session) {
    this.session = session;
    session.on("error", () => undefined);
    session.on("goaway", (_code, lastId) => this.goAways.push(lastId));
  }

  static async open(gateway: Gateway, secure: boolean, settings: http2.Settings = {}): Promise<Http2Client> {
    const url = secure ? `https://127.0.0.1:${gateway.tlsPort}` : `http://127.0.0.1:${gateway.port}`;
    const client = new Http2Client(http2.connect(url, { rejectUnauthorized: false, settings }));
    await once(client.session, "remoteSettings");
    return client;
  }

  start(headers: http2.OutgoingHttpHeaders, options: http2.ClientSessionRequestOptions = {}): http2.ClientHttp2Stream {
    const stream = this.session.request(headers, { endStream: false, ...options });
    stream.on("error", () => undefined);
    return stream;
  }

  async request(headers: http2.OutgoingHttpHeaders, body?: string | Buffer): Promise<Http2Reply> {
    const stream = this.start(headers, body === undefined ? { endStream: true } : {});
    if (body !== undefined) stream.end(typeof body === "string" ? Buffer.from(body, "latin1") : body);
    return this.reply(stream);
  }

  /** Everything that comes on a stream, until it is closed. */
  async reply(stream: http2.ClientHttp2Stream): Promise<Http2Reply> {
    let headers: http2.IncomingHttpHeaders = {};
    let trailers: http2.IncomingHttpHeaders | null = null;
    const informational: http2.IncomingHttpHeaders[] = [];
    const parts: Buffer[] = [];
    stream.on("headers", (fields) => informational.push(fields));
    stream.on("response", (fields) => (headers = fields));
    stream.on("trailers", (fields) => (trailers = fields));
    stream.on("data", (part: Buffer) => parts.push(part));
    await new Promise((resolve) => stream.once("close", resolve));
    return {
      status: Number(headers[":status"] ?? 0),
      headers,
      informational,
      body: Buffer.concat(parts).toString("latin1"),
      trailers,
      code: stream.rstCode ?? 0,
    };
  }

  destroy(): void {
    this.session.destroy();
  }
}
