// A model server: Seldon's REST protocol over HTTP/1.1, as the executor in front of a Seldon model serves it.
import { randomUUID } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import { answer } from "./seldon-protocol.ts";
import type { ModelVersion } from "./classifier.ts";

/** The executor's keep-alive time. */
const keepAliveMs = 65_000;

/** Longest body of a request that a model reads, as gRPC's libraries have it. */
export const maxBodyBytes = 4 * 1024 * 1024;

/** As a header of REST and as metadata of gRPC. */
export const puidField = "seldon-puid";

/** A server for one model version, not yet listening. `onPrediction` is called once for each prediction that was asked of it. */
export function createModelServer(version: ModelVersion, onPrediction: () => void): Server {
  const server = createServer((request, response) => {
    // The request's id is kept, else one is made: the executor's rule.
    const puid = String(request.headers[puidField] ?? randomUUID());
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
    });
    request.on("end", () => {
      if (bytes > maxBodyBytes) return respond(response, puid, 413, { status: { code: 413, status: "FAILURE" } });
      const path = (request.url ?? "/").replace(/\?.*$/su, "");
      if (request.method === "POST" && path.endsWith("/predictions")) onPrediction();
      const { status, body } = answer(version, request.method ?? "GET", path, Buffer.concat(chunks).toString(), puid);
      respond(response, puid, status, body);
    });
  });
  server.keepAliveTimeout = keepAliveMs;
  return server;
}

function respond(response: ServerResponse, puid: string, status: number, body: unknown): void {
  const text = body === null ? "" : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...(body === null ? {} : { "content-type": "application/json" }),
    "content-length": Buffer.byteLength(text),
    [puidField]: puid,
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*",
  });
  response.end(text);
}
