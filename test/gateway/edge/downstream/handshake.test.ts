// What a ClientHello costs before anything is agreed, however it is cut.
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { beginHandshake } from "../../../../gateway/edge/downstream/handshake.ts";
import { mostHelloRecords } from "../../../../gateway/edge/tls/client-hello.ts";
import type { ServedCertificates } from "../../../../gateway/edge/tls/served-certificates.ts";
import { holdsLinear } from "../../../cpu-time.ts";
import { StoppedClock } from "../../../stopped-clock.ts";
import { clientHello, records, serverName } from "../../../wire/client-hello.ts";
import { workerAt } from "../exchange/upstream-script.ts";

/** Nothing of a socket but its bytes. */
class Bytes extends EventEmitter {
  destroyed = false;
  resume(): void {}
  pause(): void {}
  destroy(): void {
    this.destroyed = true;
  }
}

const noCertificates = { entryOf: () => null } as unknown as ServedCertificates;

/** A client that sends these chunks; its connection ends once its hello was read, since there is no certificate. */
function send(chunks: readonly Buffer[]): void {
  const socket = new Bytes();
  beginHandshake(workerAt(new StoppedClock()), noCertificates, socket as unknown as Socket, () => undefined);
  for (const chunk of chunks) socket.emit("data", chunk);
  expect(socket.destroyed).toBe(true);
}

const bytesOf = (whole: Buffer): readonly Buffer[] => Array.from(whole, (byte) => Buffer.of(byte));

test.each([
  ["chunks of one byte", (size: number) => bytesOf(records(clientHello(size, serverName("a.example"))))],
  ["records and chunks of one byte", (size: number) => bytesOf(records(clientHello(size), 1))],
  ["one chunk of records of one byte", (size: number) => [records(clientHello(size), 1)]],
  [
    "as many records as there may be and chunks of one byte",
    (size: number) => bytesOf(records(clientHello(size), Math.ceil(size / mostHelloRecords))),
  ],
])("a hello in %s costs time in proportion to its length", async (_how, chunksOf) => {
  await holdsLinear(2000, chunksOf, send);
});
