// A model server: Seldon's REST protocol over HTTP/1.1, as the executor in front of a Seldon model serves it.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { answer } from "./seldon-protocol.ts";
import type { ModelVersion } from "./classifier.ts";

/** The executor's keep-alive time. */
const keepAliveMs = 65_000;

/** Longest body of a request that a model reads, as gRPC's libraries have it. */
export const maxBodyBytes = 4 * 1024 * 1024;

/** A server for one model version, not yet listening. `onPrediction` is called once for each prediction that was asked of it. */
export function createModelServer(version: ModelVersion, onPrediction: () => void): Server {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
    });
    request.on("end", () => {
      if (bytes > maxBodyBytes) return respond(request, response, 413, { status: { code: 413, status: "FAILURE" } });
      const path = (request.url ?? "/").replace(/\?.*$/su, "");
      if (request.method === "POST" && path.endsWith("/predictions")) onPrediction();
      const { status, body } = answer(version, request.method ?? "GET", path, Buffer.concat(chunks).toString());
      respond(request, response, status, body);
    });
  });
  server.keepAliveTimeout = keepAliveMs;
  return server;
}

function respond(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  const text = body === null ? "" : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...(body === null ? {} : { "content-type": "application/json" }),
    "content-length": Buffer.byteLength(text),
    // The request's id is kept, else one is made: the executor's rule.
    "seldon-puid": request.headers["seldon-puid"] ?? randomUUID(),
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*",
  });
  response.end(text);
}
