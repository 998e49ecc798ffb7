// Requests that are kept: sent as they came, counted while they are held, and nothing left of them afterwards.
import { array, assert, integer, oneof, property } from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { CounterBlock, blockBytes } from "../../../../gateway/shared/memory/counters.ts";
import { fixed } from "../../../../gateway/shared/metrics/fixed.ts";
import { HeldMemory, shortSlabBytes, slabBytes } from "../../../../gateway/edge/io/held-memory.ts";
import { HeldRequest } from "../../../../gateway/edge/forwarding/held-request.ts";
import { readFields, type FieldList } from "../../../../gateway/edge/fields/fields.ts";
import type { RequestFraming } from "../../../../gateway/edge/fields/framing.ts";
import { Trailers } from "../../../../gateway/edge/http1/trailers.ts";
import type { UpstreamRequest } from "../../../../gateway/edge/upstream/upstream-request.ts";

const counters = new CounterBlock(new SharedArrayBuffer(blockBytes()));
let memory: HeldMemory;

beforeEach(() => {
  memory = new HeldMemory(counters, 100_000);
});

/** What a request was sent. */
function recorder(): { readonly request: UpstreamRequest; readonly sent: string[] } {
  const sent: string[] = [];
  let body = "";
  const request = {
    head: (bytes: Buffer, length: number, framing: RequestFraming, bodyBytes: number) =>
      sent.push(`head ${bytes.toString("latin1", 0, length)} ${framing} ${bodyBytes}`),
    body: (bytes: Buffer, start: number, end: number) => (body += bytes.toString("latin1", start, end)),
    end: (trailers: FieldList | null) =>
      sent.push(
        `body ${body}`,
        `end ${trailers === null ? "" : Buffer.from(trailers.bytes).toString("latin1", trailers.fields[0], trailers.fieldsEnd)}`,
      ),
    flush: () => sent.push("flush"),
  } as unknown as UpstreamRequest;
  return { request, sent };
}

test.each([
  ["alone, to half", 49_999, 0, 1, true],
  ["alone, at half", 50_000, 0, 0, true],
  ["alone, beyond half", 50_000, 0, 1, false],
  ["with as much as is left", 30_000, 10_000, 30_000, true],
  ["with less than is left", 29_999, 10_000, 30_000, true],
  ["with more than is left", 30_001, 10_000, 30_000, false],
  ["anew, beside one with half", 0, 50_000, 50_000, true],
  ["where nothing is left", 0, 100_000, 1, false],
])("the share of a namespace: %s", (_what, own, others, more, hasRoom) => {
  memory.hold(own + others);
  memory.share("own", own);
  memory.share("other", others);
  expect(memory.hasRoomFor("own", more)).toBe(hasRoom);
  memory.share("own", -own);
  memory.hold(-own);
  expect(memory.hasRoomFor("own", Math.max(0, 100_000 - others))).toBe(true);
});

describe("a request that is kept", () => {
  test("is sent as it came, as often as it is sent, whatever becomes of the bytes that it was made of", () => {
    assert(
      property(
        oneof(integer({ min: 1, max: slabBytes + 10 }), integer({ min: 1, max: shortSlabBytes + 10 })),
        array(oneof(integer({ min: 1, max: 3 * slabBytes }), integer({ min: 1, max: 300 })), { maxLength: 6 }),
        (headLength, pieces) => {
          const held = new HeldRequest(memory, 1_000_000);
          const head = Buffer.alloc(headLength + 5, "h");
          held.head(head, headLength, "length", 7);
          head.fill("x");
          let body = "";
          for (const [index, length] of pieces.entries()) {
            const piece = Buffer.alloc(length + 2, String(index));
            held.body(piece, 1, length + 1);
            body += String(index).repeat(length);
            piece.fill("x");
          }
          held.end(null);
          const { request, sent } = recorder();
          held.sendTo(request);
          expect(sent).toEqual([`head ${"h".repeat(headLength)} length 7`, `body ${body}`, "end ", "flush"]);
          expect(held.bodyBytes).toBe(body.length);
          expect(counters.cells[fixed.heldBytes]).toBeGreaterThanOrEqual(headLength + body.length - slabBytes);
          const again = recorder();
          held.sendTo(again.request);
          expect(again.sent).toEqual(sent);
          held.clear();
          expect(counters.cells[fixed.heldBytes]).toBe(0);
          expect(held.begun).toBe(false);
        },
      ),
    );
  });

  test("keeps its trailers", () => {
    const held = new HeldRequest(memory, 1_000_000);
    held.head(Buffer.from("h"), 1, "chunked", -1);
    const lines = Buffer.from("junk x-a: 1\r\nx-b: 2\r\n\r\n\0");
    const trailers = new Trailers();
    readFields(trailers, lines, 5, lines.length - 1, 10);
    held.end(trailers);
    lines.fill(0);
    const { request, sent } = recorder();
    held.sendTo(request);
    expect(sent).toContain("end x-a: 1\r\nx-b: 2\r\n");
    held.clear();
  });

  test("begins anew after it was cleared", () => {
    const held = new HeldRequest(memory, 1_000_000);
    held.head(Buffer.from("one"), 3, "length", 2);
    held.body(Buffer.alloc(3 * slabBytes), 0, 3 * slabBytes);
    held.end(null);
    held.clear();
    held.head(Buffer.from("two"), 3, "length", 1);
    held.body(Buffer.from("b"), 0, 1);
    const { request, sent } = recorder();
    held.sendTo(request);
    expect(sent).toEqual(["head two length 1", "flush"]);
    held.clear();
  });

  test("a short one takes little, and more as soon as it must", () => {
    const held = new HeldRequest(memory, 1_000_000);
    const bytes = Buffer.alloc(slabBytes, "b");
    const taken: (number | undefined)[] = [];
    for (const length of [shortSlabBytes - 1, shortSlabBytes, shortSlabBytes + 1]) {
      held.head(bytes, 500, "none", -1);
      held.body(bytes, 0, length - 500);
      taken.push(counters.cells[fixed.heldBytes]);
      held.clear();
      held.head(bytes, length, "none", -1);
      taken.push(counters.cells[fixed.heldBytes]);
      held.clear();
    }
    expect(taken).toEqual([shortSlabBytes, shortSlabBytes, shortSlabBytes, shortSlabBytes, slabBytes, slabBytes]);
    expect(counters.cells[fixed.heldBytes]).toBe(0);
  });

  test("a long one of 64 KiB takes slabs that others have given back, and no new memory", () => {
    const body = Buffer.alloc(64 * 1024, "b");
    const slabs = (): Set<ArrayBufferLike> => {
      const held = new HeldRequest(memory, 1_000_000);
      held.head(Buffer.from("h"), 1, "none", -1);
      held.body(body, 0, body.length);
      const seen = new Set<ArrayBufferLike>();
      held.sendTo({
        head() {},
        body: (bytes: Buffer) => seen.add(bytes.buffer),
        flush() {},
      } as unknown as UpstreamRequest);
      held.clear();
      return seen;
    };
    const first = slabs();
    expect(first.size).toBe(body.length / slabBytes);
    expect([...slabs()].every((one) => first.has(one))).toBe(true);
  });

  test("the worker has room up to its bound and no further", () => {
    const held = new HeldRequest(memory, 1_000_000);
    held.head(Buffer.from("h"), 1, "length", 90_000);
    held.body(Buffer.alloc(90_000), 0, 90_000);
    const left = 100_000 - Math.ceil(90_000 / slabBytes) * slabBytes - shortSlabBytes;
    expect([memory.hasRoom(left - 1), memory.hasRoom(left), memory.hasRoom(left + 1)]).toEqual([true, true, false]);
    held.clear();
    expect(memory.hasRoom(100_000)).toBe(true);
  });
});
