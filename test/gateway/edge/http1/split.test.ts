// The readers of both sides: what they tell is the same however the bytes were split.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RequestReader, type RequestTaker } from "../../../../gateway/edge/http1/request-reader.ts";
import { ResponseReader, type ResponseTaker } from "../../../../gateway/edge/http1/response-reader.ts";
import { Trailers } from "../../../../gateway/edge/http1/trailers.ts";
import type { FieldList } from "../../../../gateway/edge/fields/fields.ts";
import { WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { ResponseHead } from "../../../../gateway/edge/message/response-head.ts";
import { defaultLimits } from "../../../../gateway/options/limits.ts";

const limits = { ...defaultLimits, requestLineBytes: 300, headBytes: 700, headFields: 8 };

function fieldsOf(list: FieldList | null): string {
  if (list === null) return "none";
  const text = (from: number, to: number): string => Buffer.from(list.bytes).toString("latin1", from, to);
  return Array.from(
    { length: list.fieldCount },
    (_, field) =>
      `${text(list.fields[field * 4]!, list.fields[field * 4 + 1]!)}=${text(list.fields[field * 4 + 2]!, list.fields[field * 4 + 3]!)}`,
  ).join(",");
}

/** What was told, with the runs of a body as one. */
class Told {
  readonly events: string[] = [];
  #body: string | null = null;

  body(bytes: Buffer, start: number, end: number): void {
    this.#body = `${this.#body ?? "body "}${bytes.toString("latin1", start, end)}`;
  }

  say(event: string): void {
    if (this.#body !== null) this.events.push(this.#body);
    this.#body = null;
    this.events.push(event);
  }

  get all(): readonly string[] {
    return this.#body === null ? this.events : [...this.events, this.#body];
  }
}

type Cuts = readonly number[] | "everywhere";

/** Pieces between these places, each in a buffer of its own with the sentinel behind it. */
function cut(text: string, cuts: Cuts): Buffer[] {
  const inside =
    cuts === "everywhere"
      ? Array.from(text, (_, at) => at)
      : [...new Set(cuts.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  const places = [0, ...inside, text.length];
  return places
    .slice(1)
    .map((to, at) => Buffer.from(`${text.slice(places[at], to)}\0`, "latin1"))
    .filter(({ length }) => length > 1);
}

/** `answered`: each request within the call that ends it; else when everything was sent. */
function requests(text: string, cuts: Cuts, answered: boolean): readonly string[] {
  const told = new Told();
  const state = { refused: false, due: false };
  const over = (): void => {
    if (answered) reader.next(false);
    else state.due = true;
  };
  const taker: RequestTaker = {
    head(head, hasBody) {
      told.say(
        `head ${head.contentLength} ${head.framing} ${Buffer.from(head.pathBytes).toString("latin1", head.pathStart, head.queryEnd)} ${fieldsOf(head)}`,
      );
      if (!hasBody) over();
    },
    body: (bytes, start, end) => told.body(bytes, start, end),
    end(trailers) {
      told.say(`end ${fieldsOf(trailers)}`);
      over();
    },
    flush() {},
    refuse(failure) {
      told.say(`refused ${failure.name}`);
      state.refused = true;
      reader.stop();
    },
    abort(failure) {
      told.say(`aborted ${failure.name}`);
      state.refused = true;
      reader.stop();
    },
    awaitsHead() {},
    sentEnough() {},
  };
  const reader = new RequestReader({ requestHead: new WireRequestHead(), trailers: new Trailers() }, limits, taker);
  for (const piece of cut(text, cuts)) if (!state.refused) reader.received(piece, 0, piece.length - 1);
  while (state.due && !state.refused) {
    state.due = false;
    reader.next(false);
  }
  return told.all;
}

function responses(text: string, cuts: Cuts, isHead: boolean): readonly string[] {
  const told = new Told();
  const taker: ResponseTaker = {
    isHead,
    informational: (head) => told.say(`informational ${head.status} ${fieldsOf(head)}`),
    head: (head) =>
      told.say(`head ${head.status} ${head.contentLength} ${head.framing} ${head.close} ${fieldsOf(head)}`),
    body: (bytes, start, end) => told.body(bytes, start, end),
    end: (trailers) => told.say(`end ${fieldsOf(trailers)}`),
    upgraded: (head) => told.say(`upgraded ${fieldsOf(head)}`),
  };
  const reader = new ResponseReader({ responseHead: new ResponseHead(), trailers: new Trailers() }, limits, {
    user: taker,
    upgrades: false,
    answered() {},
  });
  reader.begin();
  for (const piece of cut(text, cuts)) {
    // Bytes behind the response end the connection, whether they come with it or later.
    if (reader.over) return [...told.all, "surplus"];
    const outcome = reader.received(taker, piece, 0, piece.length - 1);
    if (outcome === "malformed" || outcome === "surplus") return [...told.all, outcome];
  }
  return told.all;
}

const chunk = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.string({ unit: fc.constantFrom("a", "\r", "\n", "0"), minLength: 1, maxLength: 20 }),
        fc.constantFrom("", "", "", ";a=b", ";", '; x="y"', `;${"e".repeat(255)}`),
      )
      .map(([data, extension]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`),
  },
  fc.constantFrom(
    "0a\r\n0123456789\r\n",
    "000000000000A\r\n0123456789\r\n",
    "0000000000000A\r\n0123456789\r\n",
    "g\r\n",
    "1\nx\r\n",
    "1 \r\nx\r\n",
    "1;\0\r\nx\r\n",
    `1;${"e".repeat(257)}\r\nx\r\n`,
    "1\r\nxy\r\n",
    "\r\n",
    "-1\r\n",
    "1",
  ),
);
const line = fc.constantFrom(
  "x: y\r\n",
  "Grpc-Status: 0\r\n",
  "content-length: 3\r\n",
  "Content-Length: 3, 3\r\n",
  "transfer-encoding: chunked\r\n",
  "connection: close\r\n",
  "x : y\r\n",
  " folded\r\n",
  "x: y\n",
  "x:\r\n",
  `long: ${"v".repeat(150)}\r\n`,
  `huge: ${"v".repeat(5000)}\r\n`,
  "é: ü\r\n",
  "x: \0\r\n",
);
const lines = (most: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant("") },
    fc.array(line, { maxLength: most }).map((all) => all.join("")),
  );
const chunkedBody = fc
  .tuple(
    fc.array(chunk, { maxLength: 4 }),
    fc.constantFrom("0\r\n", "0\r\n", "0\r\n", "00;x\r\n", ""),
    lines(4),
    fc.constantFrom("\r\n", "\r\n", "\n", ""),
  )
  .map(([chunks, last, trailers, end]) => `${chunks.join("")}${last}${trailers}${end}`);
const lengthBody = fc.nat(12).map((length) => "bb\r\n\r\nGET / HT".slice(0, length));
const request = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(lines(2), chunkedBody)
      .map(([more, body]) => `POST /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n${more}\r\n${body}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(12), lengthBody)
      .map(([length, body]) => `POST /l HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n${body}`),
  },
  { weight: 2, arbitrary: lines(3).map((more) => `GET /g HTTP/1.1\r\nhost: a\r\n${more}\r\n`) },
  fc.constantFrom("\r\n", "\r", "\n", "X"),
);
const response = fc
  .tuple(
    fc.array(
      fc.constantFrom(
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n",
        "HTTP/1.1 101 S\r\n\r\n",
        "HTTP/1.1 199\r\n\r\n",
      ),
      { maxLength: 2 },
    ),
    fc.constantFrom(
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 200\r\n",
      "HTTP/1.0 200 OK\r\n",
      "HTTP/1.1 204 N\r\n",
      "HTTP/1.1 304 N\r\n",
      "HTTP/1.1 2x0 N\r\n",
      "HTTP/2.0 200 N\r\n",
      "HTTP/1.1 200 \0\r\n",
      "HTTP/1.1 200 OK\n",
      "HTTX",
    ),
    lines(4),
    fc.oneof(
      chunkedBody.map((body) => `transfer-encoding: chunked\r\n\r\n${body}`),
      fc.tuple(fc.nat(12), lengthBody).map(([length, body]) => `content-length: ${length}\r\n\r\n${body}`),
      lengthBody.map((body) => `\r\n${body}`),
    ),
  )
  .map(([ahead, status, more, rest]) => `${ahead.join("")}${status}${more}${rest}`);
const cuts = fc.oneof<[fc.Arbitrary<number[]>, fc.Arbitrary<"everywhere">]>(
  fc.array(fc.nat(), { maxLength: 12 }),
  fc.constant("everywhere"),
);

test.each([true, false])("requests, each answered at once: %s", (answered) => {
  fc.assert(
    fc.property(
      fc.array(request, { minLength: 1, maxLength: 4 }).map((all) => all.join("")),
      cuts,
      (text, places) => {
        // What is wrong in a line shows at its end at the latest.
        expect(requests(`${text}\n`, places, answered)).toEqual(requests(`${text}\n`, [], answered));
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([false, true])("a response, to a HEAD: %s", (isHead) => {
  fc.assert(
    fc.property(response, cuts, (text, places) => {
      expect(responses(`${text}\n`, places, isHead)).toEqual(responses(`${text}\n`, [], isHead));
    }),
    { numRuns: 2000 },
  );
});
