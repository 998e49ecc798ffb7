// Feedback whose bodies come slowly: what is held for a tenant costs no other one's calls, and its own go by the split.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { PuidSigner, puidStart } from "../../gateway/edge/feedback/puid.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { firstSlot, endpointsOn, Gateway, post, transports } from "./gateway.ts";
import type { Origin } from "./origin.ts";
import { executors, memberMapping } from "./predictors.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";

const keys = [new Uint8Array(32).fill(9)];
const retryTotalBytes = 256 * 1024;
const feedbackBodyBytes = 64_000;
const names = ["main", "canary"] as const;

const pathOf = (namespace: string): string => `/seldon/${namespace}/iris/api/v1.0/feedback`;
const feedbackOf = (namespace: string): string => {
  const signer = new PuidSigner(keys, { namespace, deployment: "iris", predictor: "canary", model: "" });
  const puid = signer.lineFor(Buffer.from(randomUUID())).toString("latin1", puidStart).trimEnd();
  return post(JSON.stringify({ response: { meta: { puid } }, reward: 1 }), "", pathOf(namespace));
};

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origins: ReadonlyMap<string, Origin>;
  let slow: RawClient[];

  beforeEach(async () => {
    gateway = await new Gateway({ puidKeys: keys, limits: { feedbackBodyBytes, retryTotalBytes } }).listen();
    origins = await executors(names);
    slow = [];
    const mappings = ["prod", "others"].flatMap((namespace) =>
      [memberMapping({ predictor: "main", share: 1 }), memberMapping({ predictor: "canary", share: 0 })].map(
        (member) => ({
          ...member,
          id: `${namespace} ${member.id}`,
          namespace,
          space: namespace,
          match: {
            ...member.match,
            path: { kind: "prefix" as const, prefix: `/seldon/${namespace}/iris/`, caseSensitive: true },
          },
          series: { ...member.series, namespace },
        }),
      ),
    );
    gateway.serve(
      mappings,
      names.map((name) => upstreamOf(`iris-${name}`)),
      names.map((name) => endpointsOn(`iris-${name}`, [origins.get(name)!.port])),
    );
    return async () => {
      for (const client of slow) client.destroy();
      gateway.close();
      for (const origin of origins.values()) await origin.close();
    };
  });

  /** So many that never end, `bytes` of each of which have come. */
  async function begin(count: number, bytes: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      const before = gateway.counted("heldBytes") + origins.get("main")!.text.length;
      const client = await gateway.open(secure);
      slow.push(client);
      client.write(
        `POST ${pathOf("prod")} HTTP/1.1\r\nHost: a\r\nContent-Length: ${feedbackBodyBytes}\r\n\r\n${" ".repeat(bytes)}`,
      );
      const came = (): boolean =>
        client.text !== "" || gateway.counted("heldBytes") + origins.get("main")!.text.length >= before + bytes;
      await eventually(came, () => "it has come");
    }
  }

  test("a tenant's slow bodies leave room for another one's, and its own are no failures", async () => {
    await begin(12, feedbackBodyBytes - 1);
    expect(gateway.counted("heldBytes")).toBeLessThanOrEqual(retryTotalBytes / 2 + 70_000);
    expect(slow.map(({ text }) => text)).toEqual(slow.map(() => ""));
    for (let at = 0; at < 5; at++)
      expect(fieldOf(await gateway.ask(secure, feedbackOf("others")), "x-model")).toBe("canary");
    expect(gateway.feedback(firstSlot + 3).ways).toEqual({ puid: 5 });
    expect(fieldOf(await gateway.ask(secure, feedbackOf("prod")), "x-model")).toBe("canary");
    for (const client of slow) {
      client.write(" ");
      expect((await client.answers(1))[0]!.status).toBe(200);
    }
    // One was held to its end.
    expect(gateway.feedback(firstSlot).ways).toEqual({ no_puid: 1, too_long: 11 });
    expect(gateway.feedback(firstSlot + 1).ways).toEqual({ puid: 1 });
    for (let round = 0; round < 3; round++) {
      for (const client of slow.splice(0)) client.destroy();
      await eventually(
        () => gateway.counted("heldBytes") === 0,
        () => "nothing is held",
      );
      // All of the share is free again.
      await begin(1, feedbackBodyBytes - 1);
      expect(fieldOf(await gateway.ask(secure, feedbackOf("prod")), "x-model")).toBe("canary");
    }
  });
});
