// Feedback that is turned to another member while its body was awaited: members come and go meanwhile, and choose by who calls.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { PuidSigner, puidStart } from "../../gateway/edge/feedback/puid.ts";
import { noPolicy } from "../../gateway/callers/call-policy.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { guardOf, keysProvider } from "../policies.ts";
import { eventually } from "../turns.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { endpointsOn, firstSlot, Gateway, post, transports } from "./gateway.ts";
import type { Origin } from "./origin.ts";
import { executors, memberMapping, serveMembers, type Member } from "./predictors.ts";

const keys = [new Uint8Array(32).fill(9)];
const path = "/seldon/prod/iris/api/v1.0/feedback";

function inBody(predictor: string, deployment = "iris"): string {
  const signer = new PuidSigner(keys, { namespace: "prod", deployment, predictor, model: "" });
  const puid = signer.lineFor(Buffer.from(randomUUID())).toString("latin1", puidStart).trimEnd();
  return JSON.stringify({ response: { meta: { puid } }, reward: 1 });
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origins: ReadonlyMap<string, Origin>;
  const portOf = ({ predictor }: Member): number => origins.get(predictor.slice(0, 6))!.port;

  beforeEach(async () => {
    gateway = await new Gateway({
      puidKeys: keys,
      policy: { ...noPolicy, providers: { some: keysProvider({ "correct-horse-battery": "a" }) } },
    }).listen();
    origins = await executors(["main", "canary"]);
    return async () => {
      gateway.close();
      for (const origin of origins.values()) await origin.close();
    };
  });

  /** A feedback without its last byte, which waits. */
  async function begun(body: string): Promise<RawClient> {
    const client = await gateway.open(secure);
    const before = gateway.counted("heldBytes");
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}`);
    await eventually(
      () => gateway.counted("heldBytes") > before,
      () => "it waits",
    );
    return client;
  }

  const both: readonly Member[] = [
    { predictor: "main", share: 0.5 },
    { predictor: "canary", share: 0.5 },
  ];

  test.each([
    ["is removed", "sole", [{ predictor: "main", share: 1 }]],
    ["loses its Endpoints", "unready", [both[0]!, { ...both[1]!, ready: false }]],
    ["is renamed", "unknown_puid", [both[0]!, { ...both[1]!, predictor: "canary-2" }]],
  ] as const)(
    "the predictor that it names %s meanwhile: it goes where the Route has somebody now",
    async (_what, way, now) => {
      serveMembers(gateway, both, portOf);
      const clients: RawClient[] = [];
      for (let at = 0; at < 12; at++) clients.push(await begun(inBody("canary")));
      serveMembers(gateway, now, portOf);
      for (const client of clients) {
        client.write("}");
        expect((await client.answers(1))[0]!.status).toBe(200);
        client.destroy();
      }
      const ways = now.map((_, at) => gateway.feedback(firstSlot + at).ways as Record<string, number>);
      expect(ways.reduce((sum, one) => sum + (one[way] ?? 0), 0)).toBe(12);
      expect(gateway.faults).toBe(0);
    },
  );

  test("the member that was drawn for it is gone meanwhile, and it names none: it goes to another one", async () => {
    serveMembers(gateway, both, portOf);
    const clients: RawClient[] = [];
    for (let at = 0; at < 12; at++) clients.push(await begun('{"reward":1}'));
    serveMembers(gateway, [both[0]!, { ...both[1]!, ready: false }], portOf);
    for (const client of clients) {
      client.write("}");
      const [answer] = await client.answers(1);
      expect([answer!.status, fieldOf(answer!, "x-model")]).toEqual([200, "main"]);
      client.destroy();
    }
    expect(gateway.feedback(firstSlot).ways).toEqual({ no_puid: 12 });
  });

  test("its Route is gone meanwhile: it goes where it would have gone", async () => {
    serveMembers(
      gateway,
      [
        { ...both[0]!, share: 1 },
        { ...both[1]!, share: 0 },
      ],
      portOf,
    );
    const client = await begun(inBody("main"));
    gateway.serve([], [], []);
    client.write("}");
    expect((await client.answers(1))[0]!.status).toBe(200);
    client.destroy();
    expect(gateway.faults).toBe(0);
  });

  test("a Route that is sticky by clients does not take it from the predictor that answered", async () => {
    const members: readonly Member[] = [
      { predictor: "main", share: 1, weight: 50 },
      { predictor: "canary", share: 1, weight: 50, deployment: "iris-2", guard: guardOf("some") },
    ];
    gateway.serve(
      members.map((one) => ({
        ...memberMapping(one),
        sticky: { on: { kind: "client" as const }, identity: "prod/iris" },
      })),
      members.map(({ deployment = "iris", predictor }) => upstreamOf(`${deployment}-${predictor}`)),
      members.map((one) => endpointsOn(`${one.deployment ?? "iris"}-${one.predictor}`, [portOf(one)])),
    );
    for (let at = 0; at < 20; at++) {
      const to = at % 2 === 0 ? "canary" : "main";
      const answer = await gateway.ask(
        secure,
        post(inBody(to, to === "main" ? "iris" : "iris-2"), "x-api-key: correct-horse-battery\r\n", path),
      );
      expect([at, answer.status, fieldOf(answer, "x-model")]).toEqual([at, 200, to]);
    }
  });
});
