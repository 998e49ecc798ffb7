// One case: a client that plays a script on a connection of its own, plain or TLS, and looks at what comes back.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { answersIn } from "../wire/client.ts";
import { adminRequests, wrongAdmin } from "./admin-requests.ts";
import { Draws } from "./draws.ts";
import { http1Requests } from "./http1-requests.ts";
import { http2Requests } from "./http2-requests.ts";
import type { Moments } from "./moments.ts";
import { play } from "./player.ts";
import { balancerAddress, proxyHeader, type ProxyCase } from "./proxy-headers.ts";
import { scriptOf, type Script } from "./script.ts";

export interface Ports {
  readonly plain: number;
  readonly tls: number;
  readonly admin: number;
}

interface Case {
  readonly protocol: "http1" | "http2" | "admin";
  readonly secure: boolean;
  /** It comes by a balancer that says for whom it is; null: by none. */
  readonly proxied: ProxyCase | null;
  /** It waits for the end of the connection, however long that takes; else it leaves after a moment. */
  readonly patient: boolean;
  readonly pieces: readonly Buffer[];
  readonly script: Script;
}

/** What is kept of answers to look at. */
const mostBytes = 4 << 20;
/** Longer than all limits of the gateway under test together. */
const patienceMs = 40_000;

export function caseOf(seed: number, number: number): Case {
  const draws = new Draws(seed, number);
  const protocol = draws.chance(0.06) ? "admin" : draws.chance(0.5) ? "http1" : "http2";
  const isTraffic = protocol !== "admin";
  const secure = isTraffic && draws.chance(0.08);
  const proxied = isTraffic && draws.chance(0.12) ? proxyHeader(draws) : null;
  const patient = isTraffic && draws.chance(0.02);
  const pieces = protocol === "http2" ? http2Requests(draws) : textsOf(draws, protocol);
  const script = scriptOf(draws, pieces);
  return {
    protocol,
    secure,
    proxied,
    patient,
    pieces,
    script: patient
      ? [...script.filter(({ kind }) => kind !== "fin" && kind !== "reset" && kind !== "pause"), { kind: "fin" }]
      : script,
  };
}

function textsOf(draws: Draws, protocol: "http1" | "admin"): readonly Buffer[] {
  const texts = protocol === "http1" ? http1Requests(draws) : adminRequests(draws);
  return texts.map((text) => Buffer.from(text, "latin1"));
}

/** Plays a case; gives what was wrong with what came back, or null. */
export async function runCase(ports: Ports, one: Case, moments: Moments): Promise<string | null> {
  const socket = await open(ports, one);
  // Nobody shakes hands behind a header that is none.
  if (socket === null && one.proxied?.whole === false) return null;
  if (socket === null) return `no connection, or no handshake within ${patienceMs} ms`;
  const received: Buffer[] = [];
  let bytes = 0;
  socket.on("data", (piece: Buffer) => {
    if (bytes < mostBytes) received.push(piece);
    bytes += piece.length;
  });
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
    socket.once("end", () => socket.end());
  });
  await play(socket, one.script, moments);
  let ended = true;
  if (!socket.destroyed && one.patient) {
    ended = await Promise.race([closed.then(() => true), later(patienceMs).then(() => false)]);
  } else if (!socket.destroyed) {
    await moments.next(null, (resolve) => {
      socket.on("data", resolve);
      socket.on("close", resolve);
      return () => socket.off("data", resolve).off("close", resolve);
    });
  }
  socket.destroy();
  if (!ended) return `the connection had not ended ${patienceMs} ms after the client's FIN`;
  if (bytes >= mostBytes) return null;
  const all = Buffer.concat(received);
  switch (one.protocol) {
    case "http1":
      return wrongHttp1(one, all);
    case "http2":
      return wrongHttp2(all);
    case "admin":
      return wrongAdmin(Buffer.concat(one.pieces).toString("latin1"), all.toString("latin1"));
  }
}

async function open(ports: Ports, { protocol, secure, proxied }: Case): Promise<Socket | null> {
  const port = protocol === "admin" ? ports.admin : secure ? ports.tls : ports.plain;
  const options = { host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true };
  const identity = { rejectUnauthorized: false, ALPNProtocols: [protocol === "http2" ? "h2" : "http/1.1"] };
  let socket: Socket;
  if (proxied === null) {
    socket = secure ? connectTls({ ...options, ...identity }) : connect(options);
  } else {
    const below = connect({ ...options, localAddress: balancerAddress });
    below.on("error", () => undefined);
    below.write(proxied.header);
    socket = secure ? connectTls({ socket: below, ...identity }) : below;
  }
  return new Promise((resolve) => {
    socket.once(secure ? "secureConnect" : "connect", () => resolve(socket));
    socket.once("error", () => resolve(null));
    socket.once("close", () => resolve(null));
    setTimeout(resolve, patienceMs, null).unref();
    socket.on("error", () => undefined);
  });
}

async function later(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** Answers stand whole behind each other, no more of them than requests could be meant. Not where the end of a connection may end an answer. */
function wrongHttp1({ pieces }: Case, received: Buffer): string | null {
  const sent = Buffer.concat(pieces).toString("latin1");
  const text = received.toString("latin1");
  if (text === "" || /HTTP\/1\.0|HTTP\/0|head|connect|upgrade/i.test(sent) || sent.startsWith("PRI")) return null;
  if (!text.startsWith("HTTP/1.1 ")) return `it answers ${JSON.stringify(text.slice(0, 100))}`;
  try {
    const answers = answersIn(text);
    for (const { status, head } of answers) {
      if (!/^HTTP\/1\.1 [1-9]\d\d .*\r\n/.test(head) || status < 100)
        return `an answer begins ${JSON.stringify(head.slice(0, 100))}`;
    }
    // A line may end with a version or look like it; whatever else came is at most one refusal.
    const finals = answers.filter(({ status }) => status >= 200).length;
    if (finals > sent.split("HTTP/").length)
      return `${finals} answers to at most ${sent.split("HTTP/").length - 1} requests`;
  } catch (error) {
    return `an answer that is none: ${(error as Error).message}`;
  }
  return null;
}

/** Frames within the limits that the RFC sets where the client asks for no others, SETTINGS first. */
function wrongHttp2(received: Buffer): string | null {
  if (received.length < 9 || received.toString("latin1", 0, 5) === "HTTP/") return null;
  if (received[3] !== 4) return `its first frame has type ${received[3]}`;
  for (let at = 0; at + 9 <= received.length;) {
    const [length, type] = [received.readUIntBE(at, 3), received[at + 3]!];
    if (type > 9 || type === 5 || length > 0xffffff) return `a frame of type ${type} and ${length} bytes`;
    at += 9 + length;
  }
  return null;
}
