// Connections of the admin port: few, and none for long. Descriptors and memory belong to traffic.
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { PacedConnection } from "./sending/paced-connection.ts";

/** Connections at once, where the process may open many. */
export const mostConnections = 64;
/** Of the descriptors that the process may open, one in so many at most. */
const descriptorShare = 8;

/** Limits of Node's server, ms: a head, a whole request, between two requests, and without any progress of the client. */
const adminTimes = {
  headMs: 5000,
  requestMs: 10_000,
  idleMs: 10_000,
  stalledMs: 10_000,
  checkMs: 1000,
} as const;

/** Time for one answer from its request to its last byte: who reads it byte by byte is cut. */
export const answerMs = 60_000;

/** Requests that a client may send ahead of their answers: a connection with more is closed. */
export const mostAhead = 32;

/** The server of the admin port. */
export function adminListener(answer: RequestListener): Server {
  const server = createServer(
    { headersTimeout: adminTimes.headMs, connectionsCheckingInterval: adminTimes.checkMs },
    oneATurn(answer),
  );
  server.keepAliveTimeout = adminTimes.idleMs;
  server.requestTimeout = adminTimes.requestMs;
  cutStalled(server, adminTimes.stalledMs);
  limitConnections(server, connectionLimit(openFilesLimit()));
  pace(server);
  return server;
}

/** Cuts a connection on which nothing moves. While an answer is made of which no byte waits for the client, it is not the client that stalls: the answer's own time ends that. */
export function cutStalled(server: Server, stalledMs: number): void {
  /** The answer that was asked for last. */
  const making = new Map<Socket, ServerResponse>();
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    making.set(socket, response);
    response.once("close", () => making.get(socket) === response && making.delete(socket));
  });
  server.setTimeout(stalledMs, (socket) => {
    if (!making.has(socket) || socket.writableLength > 0) socket.destroy();
  });
}

/** Gives all that listen by now for a server's connections paced ones: Node's own listener takes any duplex stream, as the documentation of the event says. */
export function pace(server: Server): void {
  const listeners = server.listeners("connection") as ((this: Server, connection: Duplex) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const paced = new PacedConnection(socket);
    for (const listener of listeners) listener.call(server, paced);
  });
}

/** Answers the requests of a connection one after the other, each in a turn of its own: what is sent ahead waits, and others come in between. */
export function oneATurn(answer: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, (() => void)[]>();
  return (request, response) => {
    const { socket } = request;
    // Node makes requests of all heads that it read, also after the connection ended.
    if (socket.destroyed) return;
    const begin = (): void => {
      response.once("close", () => {
        const next = waiting.get(socket)?.shift();
        if (next === undefined) waiting.delete(socket);
        else setImmediate(next);
      });
      if (!socket.destroyed) answer(request, response);
    };
    const ahead = waiting.get(socket);
    if (ahead === undefined) {
      waiting.set(socket, []);
      begin();
    } else if (ahead.push(begin) > mostAhead) socket.destroy();
  };
}

/** Of each answer: ends its connection at its time. */
const timers = new WeakMap<ServerResponse, NodeJS.Timeout>();

/** This answer has no end of its own. */
export function keepOpen(response: ServerResponse): void {
  clearTimeout(timers.get(response));
}

/** How many connections there may be where the process may open `descriptors` files. */
export function connectionLimit(descriptors: number): number {
  return Math.max(4, Math.min(mostConnections, Math.floor(descriptors / descriptorShare)));
}

/** Files that this process may open; Infinity where that is not known. (Node raises the soft limit to the hard one when it starts.) */
export function openFilesLimit(): number {
  try {
    const found = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found === null ? Infinity : Number(found[1]);
  } catch {
    return Infinity;
  }
}

/**
 * Holds a server to `most` connections. One too many ends the connection that has been without a request for longest: whoever opens all and
 * asks nothing keeps nobody out. Where all have one under way, the new one is closed.
 */
function limitConnections(server: Server, most: number): void {
  /** Without a request under way; the longest first. */
  const idle = new Set<Socket>();
  let open = 0;
  server.on("connection", (socket: Socket) => {
    open += 1;
    idle.add(socket);
    // Answers that stand behind each other on one connection listen for its end, each.
    socket.setMaxListeners(0);
    socket.once("close", () => {
      open -= 1;
      idle.delete(socket);
    });
    if (open <= most) return;
    // It is the last of the idle ones itself: with no other there it is what goes.
    const [first] = idle;
    first!.destroy();
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    if (socket.destroyed) return;
    // Half a body is no request yet: 64 of them would keep health checks out.
    if (hasBody(request))
      request.once("end", () => {
        if (!response.closed) idle.delete(socket);
      });
    else idle.delete(socket);
    timers.set(
      response,
      setTimeout(() => socket.destroy(), answerMs),
    );
    response.once("close", () => {
      keepOpen(response);
      // Another request of it may be under way that was sent ahead; then it counts as idle until its own end, and is cut first.
      if (!socket.destroyed) idle.add(socket);
    });
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
