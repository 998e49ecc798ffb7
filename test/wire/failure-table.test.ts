// The failure table, row by row, each caused for real: what the client is told in which form, how it is flagged, counted and logged, and that
// nothing is left in use afterwards.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failures, type Failure } from "../../gateway/failures.ts";
import { eventually } from "../turns.ts";
import { answersIn, fieldOf, type RawClient } from "./client.ts";
import { causes, type Cause } from "./failure-causes.ts";
import { Gateway } from "./gateway.ts";
import { Origin } from "./origin.ts";

const rows = Object.entries(failures) as readonly (readonly [keyof typeof failures, Failure])[];

/** Field lines by which a client asks for a form, and what it gets. */
const forms = [
  ["text", "", "text/plain"],
  ["JSON by Accept", "Accept: text/html, application/json;q=0.9\r\n", "application/json"],
  ["JSON by Content-Type", "Content-Type: application/json\r\n", "application/json"],
] as const;

test.each(rows)("%s has letters that are counted, and a sentence", (_name, row) => {
  expect(row.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  expect(row.sentence).not.toMatch(/[^ -~]|\.$/);
  expect(rows.filter(([, other]) => other.name === row.name)).toHaveLength(1);
  // gRPC has 17 codes; 0 would say that all is well.
  expect(row.grpcStatus).toBeGreaterThan(0);
  expect(row.grpcStatus).toBeLessThan(17);
});

let gateway: Gateway;
let origin: Origin;
let client: RawClient;
let afterwards: (() => unknown)[];

/** Each test has a gateway of its own, and leaves nothing in use. */
function hooks(): void {
  beforeEach(async () => {
    // It answers when a cause says so.
    origin = await new Origin(() => undefined).listen();
    afterwards = [];
  });
  afterEach(async () => {
    client.destroy();
    for (const call of afterwards.toReversed()) await call();
    await gateway.goOnUntil(
      () => gateway.counted("inFlight") === 0 && gateway.counted("clientConnectionsHttp1") === 0,
      "nothing in flight, no client",
    );
    gateway.close();
    expect([gateway.counted("upstreamConnectionsHttp1"), gateway.counted("upstreamConnectionsHttp2")]).toEqual([0, 0]);
    await origin.close();
  });
}

async function make(cause: Cause, fields: string): Promise<void> {
  gateway = await new Gateway({ ...cause.options, accessLog: "errors" }).listen();
  if (cause.tableless === undefined) gateway.serveIris([origin.port]);
  client = await gateway.open(cause.secure === true);
  await cause.cause({ gateway, origin, client, fields, after: (call) => afterwards.push(call) });
}

describe.each(rows)("%s", (name, row) => {
  hooks();
  const cause = causes[name];
  const told = row.httpStatus > 0 && cause.cut === undefined;

  test.each(cause.blind || !told || cause.grpc ? forms.slice(0, 1) : forms)(
    "is caused, and told in %s",
    async (_form, fields, type) => {
      await make(cause, fields);
      await gateway.goOnUntil(() => gateway.flagged(row.flag) > 0, `the flag ${row.flag}`);
      if (cause.unlogged === undefined) {
        await eventually(
          () =>
            gateway.entries.some(
              ({ flag, reason, sentence }) =>
                flag === row.flag && reason === row.name && sentence.startsWith(row.sentence),
            ),
          "its line in the log",
        );
      }
      if (!told) {
        await client
          .until((one) => one.ended || one.closed || cause.cut === true || one.text !== "")
          .catch(() => undefined);
        expect(answersIn(client.text)).toEqual([]);
        return;
      }
      const [answer] = await client.answers(1);
      // By which it is found.
      expect(fieldOf(answer!, "x-request-id")).toMatch(/^[0-9a-f-]{36}$/u);
      if (cause.unlogged === undefined)
        expect(gateway.entries.filter(({ flag }) => flag === row.flag).map(({ requestId }) => requestId)).toContain(
          fieldOf(answer!, "x-request-id"),
        );
      if (cause.grpc) {
        expect(answer!.status).toBe(200);
        // gRPC-Web has it in the body.
        expect(fieldOf(answer!, "grpc-status") ?? /grpc-status: (\d+)/.exec(answer!.body)?.[1]).toBe(
          String(row.grpcStatus),
        );
        return;
      }
      expect(answer!.status).toBe(row.httpStatus);
      expect(fieldOf(answer!, "content-type")).toBe(type);
      if (type === "text/plain") {
        expect(answer!.body.startsWith(row.sentence)).toBe(true);
        return;
      }
      // As Seldon's clients read it.
      expect(JSON.parse(answer!.body)).toEqual({
        status: {
          code: row.httpStatus,
          info: expect.stringContaining(row.sentence),
          reason: row.name,
          status: "FAILURE",
        },
      });
    },
  );
});

describe("who cannot take every answer", () => {
  hooks();

  test("HEAD gets the head of a failure, with its length and without its body", async () => {
    await make(
      {
        cause: ({ client: one }) =>
          one.write(
            "HEAD /nowhere HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
          ),
      },
      "",
    );
    await client.end();
    const [head, body] = client.text.split("\r\n\r\nHTTP/1.1 ");
    expect(head).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(Number(/content-length: (\d+)/.exec(head!)![1])).toBeGreaterThan(50);
    expect(body).toMatch(/^404 /);
  });

  test("HEAD whose head is refused gets no body either", async () => {
    await make(
      { cause: ({ client: one }) => one.write("HEAD /x HTTP/1.1\r\nHost: a, b\r\nAccept: application/json\r\n\r\n") },
      "",
    );
    await client.end();
    expect(client.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*content-type: application\/json\r\n[^]*\r\n\r\n$/);
  });

  test("HTTP/1.0 gets the failure and the end", async () => {
    await make(
      { cause: ({ client: one }) => one.write("GET /nowhere HTTP/1.0\r\nHost: a\r\nAccept: application/json\r\n\r\n") },
      "",
    );
    await client.end();
    const [answer] = answersIn(client.text);
    expect(answer!.status).toBe(404);
    expect(fieldOf(answer!, "connection")).toBe("close");
    expect(JSON.parse(answer!.body)).toMatchObject({ status: { code: 404, reason: "no-route" } });
  });
});
