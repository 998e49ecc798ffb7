// Model servers that misbehave, each behaviour on a port of its own: a child process of the suites that prove isolation.
import { createServer, type Socket } from "node:net";
import { answerQuestions } from "../child.ts";
import { answerOf } from "../fleet.ts";
import { seededRandom } from "../random.ts";
import { hugeAnswerBytes, predictionOf, type Behaviour, type FaultyQuestion, type FaultyReport } from "./behaviours.ts";

const random = seededRandom(13);
const body = answerOf("main");
const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
const whole = Buffer.from(`${head}\r\n${body}`);
let healthy: Buffer = whole;
const garbled = answerWith(body.replaceAll("[", "<"));
const deep = answerWith("[".repeat(10_000) + "]".repeat(10_000));
const half = whole.subarray(0, whole.length - 40);
const inChunks = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n10\r\n${body.slice(0, 16)}\r\n${(body.length - 16).toString(16)}\r\n${body.slice(16)}\r\n0\r\n\r\n`,
);
const closing = Buffer.from(`${head}connection: close\r\n\r\n${body}`);
const garbage = Buffer.from("220 mail.example ESMTP ready\r\n\r\n");
const contradicting = Buffer.from(`${head}content-length: 3\r\n\r\n${body}`);
const talkative = Buffer.concat([whole, Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")]);
const hugeHead = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${hugeAnswerBytes}\r\n\r\n`,
);
const hugePiece = Buffer.alloc(256 * 1024, 0x20);

function answerWith(text: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  );
}

const ports: Partial<Record<Behaviour, number>> = {};
const received: Partial<Record<Behaviour, number>> = {};
const open = new Set<Socket>();

function later(socket: Socket, ms: number): void {
  setTimeout(() => {
    if (!socket.destroyed) socket.write(whole);
  }, ms);
}

function bytewise(socket: Socket): void {
  let at = 0;
  const next = (): void => {
    if (socket.destroyed || at === whole.length) return;
    // A few at a time towards the end, so that an answer takes well under a second.
    const step = at < 20 ? 1 : 16;
    socket.write(whole.subarray(at, (at += Math.min(step, whole.length - at))));
    setTimeout(next, 1);
  };
  next();
}

function pour(socket: Socket): void {
  let left = hugeAnswerBytes;
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      const piece = hugePiece.subarray(0, Math.min(left, hugePiece.length));
      left -= piece.length;
      if (!socket.write(piece)) {
        socket.once("drain", more);
        return;
      }
    }
  };
  socket.write(hugeHead);
  more();
}

const answers: Readonly<Record<Behaviour, (socket: Socket) => void>> = {
  healthy: (socket) => socket.write(healthy),
  chunked: (socket) => socket.write(inChunks),
  closing: (socket) => socket.end(closing),
  slow: (socket) => later(socket, 60_000),
  late: (socket) => later(socket, 50 + random() * 150),
  bytewise,
  hanging: () => {},
  stuck: () => {},
  resetting: (socket) => socket.resetAndDestroy(),
  vanishing: (socket) => socket.end(),
  cutting: (socket) => {
    socket.write(half, () => setTimeout(() => socket.resetAndDestroy(), 1));
  },
  truncating: (socket) => socket.end(half),
  garbage: (socket) => socket.write(garbage),
  contradicting: (socket) => socket.write(contradicting),
  talkative: (socket) => socket.write(talkative),
  huge: pour,
  garbled: (socket) => socket.write(garbled),
  deep: (socket) => socket.write(deep),
};

const contentLength = Buffer.from("content-length: ");
const headEnd = Buffer.from("\r\n\r\n");
const terminator = Buffer.from("\r\n0\r\n\r\n");

/** Where the first request of `bytes` ends; −1: not here yet. The gateway writes field names in the case of the client's, ours are known. */
function requestEnd(bytes: Buffer): number {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return -1;
  const lower = Buffer.from(bytes.toString("latin1", 0, end).toLowerCase(), "latin1");
  const at = lower.indexOf(contentLength);
  if (at < 0) {
    const last = lower.includes("transfer-encoding: chunked") ? bytes.indexOf(terminator, end + 2) : end - 3;
    return last < 0 ? -1 : lower.includes("transfer-encoding: chunked") ? last + terminator.length : end + 4;
  }
  const length = Number.parseInt(
    lower.toString("latin1", at + contentLength.length, at + contentLength.length + 12),
    10,
  );
  return bytes.length >= end + 4 + length ? end + 4 + length : -1;
}

function serve(behaviour: Behaviour, socket: Socket): void {
  open.add(socket);
  socket.setNoDelay(true);
  socket.on("error", () => {}).on("close", () => open.delete(socket));
  if (behaviour === "stuck") {
    socket.pause();
    return;
  }
  let held: Buffer | null = null;
  socket.on("data", (piece: Buffer) => {
    let bytes = held === null ? piece : Buffer.concat([held, piece]);
    for (;;) {
      const end = requestEnd(bytes);
      if (end < 0) break;
      bytes = bytes.subarray(end);
      received[behaviour] = (received[behaviour] ?? 0) + 1;
      answers[behaviour](socket);
    }
    held = bytes.length === 0 ? null : bytes;
  });
}

async function listen(behaviour: Behaviour): Promise<void> {
  const server = createServer((socket) => serve(behaviour, socket));
  await new Promise<void>((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, resolve);
  });
  const address = server.address();
  if (typeof address === "object" && address !== null) ports[behaviour] = address.port;
}

let spinning = false;

function spin(): void {
  setImmediate(spin);
}

answerQuestions(async (question: FaultyQuestion): Promise<FaultyReport> => {
  if (question.spins === true && !spinning) {
    spinning = true;
    spin();
  }
  if (question.answerBytes !== undefined) healthy = answerWith(predictionOf(question.answerBytes));
  for (const behaviour of question.behaviours) if (ports[behaviour] === undefined) await listen(behaviour);
  return { ports, received, openConnections: open.size };
});
