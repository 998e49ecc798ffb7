// Faults of the gateway itself, planted: each ends what it belongs to, and nothing beside it.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ExchangeRequest } from "../../gateway/edge/exchange/exchange-request.ts";
import { Gateway, post, transports } from "./gateway.ts";
import { Origin, answerEach } from "./origin.ts";
import { servedIris } from "./served-iris.ts";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    const served = await servedIris();
    ({ gateway, origin } = served);
    return served.close;
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("in a request that was sent ahead: its client pays, not the connection of the upstream that answered the one before", async () => {
    const reads = vi.spyOn(ExchangeRequest.prototype, "head");
    const client = await gateway.open(secure);
    origin.behaviour = (connection) => {
      reads.mockImplementationOnce(() => {
        throw new Error("planted");
      });
      origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      origin.behaviour(connection, origin);
    };
    client.write(post("first") + post("second"));
    await client.end();
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
    expect(gateway.faults).toBe(1);
    const next = await gateway.open(secure);
    next.write(post("third"));
    expect((await next.answers(1))[0]).toMatchObject({ status: 200, body: "ok" });
    expect(
      origin.connections.map(({ closed, text }) => [closed, text.includes("first"), text.includes("third")]),
    ).toEqual([[false, true, true]]);
    next.destroy();
  });
});
