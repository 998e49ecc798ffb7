// Lists of several replicas as one: each item once, whatever the parts, and nothing that the caller may not see.
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { joinedPage, withReplica, type Joining, type Page } from "../../../gateway/admin/joined.ts";
import { partOf, readPart, type Keyed } from "../../../gateway/admin/list.ts";
import type { AdminServer } from "../../../gateway/admin/server.ts";
import type { PeerSaid, PeersView } from "../../../gateway/admin/view/peers-view.ts";
import type { Peer } from "../../../gateway/api/peer.ts";
import { operator, tenant } from "../../../gateway/api/viewer.ts";
import { RequestBook } from "../../../gateway/control/failures/request-book.ts";
import { emptyEntry, type AccessEntry } from "../../../gateway/shared/access-fields.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import { feedbackWays } from "../../../gateway/shared/metrics/series.ts";
import { startedAdmin } from "./admin-stage.ts";

const numbers: Joining<number> = {
  peers: null,
  item: {},
  namespace: () => "",
  merge: (same) => [same.reduce((sum, { value }) => sum + value, 0)],
};

function page(of: readonly Keyed<number>[], after: string | null, limit: number): Page<number> {
  const asked = readPart(new URLSearchParams({ limit: String(limit), continue: after ?? "" }));
  if (typeof asked === "string") throw new Error(asked);
  const { part, next } = partOf(of, asked);
  return { items: part.map(({ key, item }) => ({ key, value: item })), next, beside: {}, away: [] };
}

test("parts that are joined are the whole, each key once with what all say of it", () => {
  const replica = fc.uniqueArray(fc.string({ maxLength: 2 }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(replica, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5 }), (keys, limit) => {
      const lists = keys.map((of) => of.toSorted((a, b) => (a < b ? -1 : 1)).map((key) => ({ key, item: 1 })));
      const found: [string, number][] = [];
      let next: string | null = null;
      let parts = 0;
      do {
        const [own, ...others] = lists.map((list) => page(list, next, limit));
        const said = others.map(({ items, next: more }, at) => ({
          kind: "said" as const,
          replica: `${at}`,
          part: { items: items.map(({ value }) => value), keys: items.map(({ key }) => key), continue: more },
        }));
        const joined = joinedPage(own!, said, numbers, operator, limit);
        expect(joined.items.length).toBeLessThanOrEqual(limit);
        found.push(...joined.items.map(({ key, value }): [string, number] => [key, value]));
        ({ next } = joined);
        expect((parts += 1)).toBeLessThan(100);
      } while (next !== null);
      const all = Map.groupBy(keys.flat(), (key) => key);
      expect(found).toEqual(
        [...all].map(([key, { length }]) => [key, length]).toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
      );
    }),
  );
});

test("items of one key that are each replica's own keep the name of their replica", () => {
  expect(
    withReplica([
      { replica: "a", value: { n: 1 } },
      { replica: "b", value: { n: 1 } },
    ]),
  ).toEqual([
    { n: 1, replica: "a" },
    { n: 1, replica: "b" },
  ]);
});

describe("an admin port with peers", () => {
  let server: AdminServer;
  afterEach(() => server.close());

  const problem = (namespace: string, name: string): Problem => ({
    code: "unknown-field",
    level: "warning",
    subject: { kind: "SeldonDeployment", namespace, name },
    field: "spec",
    sentence: "it is not known",
  });
  const part = (items: readonly unknown[], keys: readonly string[], more: object = {}): unknown => ({
    items,
    keys,
    continue: null,
    ...more,
  });
  const keyOf = ({ subject: { namespace, kind, name }, field, code, sentence }: Problem): string =>
    JSON.stringify([namespace, kind, name, field, code, sentence]);

  async function start(answers: readonly PeerSaid[], more: Parameters<typeof startedAdmin>[2] = {}) {
    const asked: string[] = [];
    const peers: PeersView = {
      status: { trouble: null, tablesAgree: true, peers: answers.map(({ name }) => ({ name }) as Peer) },
      ask: async (path) => {
        asked.push(path);
        return answers;
      },
    };
    const own = problem("team", "own");
    server = await startedAdmin([], [own], {
      peers,
      viewers: () => new Map([["8e4a4c1a3d5f1f5ac93d8ac3d9a0b6f0a5b4a0e1e1e3a0d6d9b1b1b3a2c4d5e6", new Set(["team"])]]),
      ...more,
    });
    const get = async (path: string): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { authorization: "Bearer token" } })).json();
    return { get, asked, own };
  }

  test("joins what they say of a list, and names those that are away or say something else", async () => {
    const [both, theirs] = [problem("team", "own"), problem("team", "theirs")];
    const { get, asked } = await start([
      { kind: "said", name: "sluice-2", value: part([both, theirs], [keyOf(both), keyOf(theirs)]) },
      { kind: "away", name: "sluice-3", sentence: "it cannot be reached" },
      { kind: "said", name: "sluice-4", value: { items: [1] } },
    ]);
    expect(await get("/api/v1/problems")).toEqual({
      items: [both, theirs],
      continue: null,
      away: [
        { replica: "sluice-3", sentence: "it cannot be reached" },
        { replica: "sluice-4", sentence: "its answer is not of the shape that this version reads" },
      ],
    });
    expect(asked).toEqual(["/api/v1/problems?limit=200"]);
  });

  test("adds up feedback and comparisons of each", async () => {
    const routed = Object.fromEntries(feedbackWays.map((way) => [way, 0]));
    const feedback = (no_puid: number, rewards: readonly number[]): unknown => {
      const sum = rewards.reduce((all, one) => all + one, 0);
      const sumSquares = rewards.reduce((all, one) => all + one ** 2, 0);
      const shown = { count: rewards.length, sum, sumSquares, mean: null, deviation: null };
      const predictors = [{ name: "main", routed: { ...routed, no_puid }, rewards: shown }];
      return part([{ namespace: "team", name: "iris", predictors }], ["iris"]);
    };
    const first = await start([
      { kind: "said", name: "sluice-2", value: feedback(2, [0, 1]) },
      { kind: "said", name: "sluice-3", value: feedback(4, [1, 2]) },
    ]);
    expect(await first.get("/api/v1/feedback")).toMatchObject({
      items: [
        {
          name: "iris",
          predictors: [
            {
              name: "main",
              routed: { ...routed, no_puid: 6 },
              rewards: { count: 4, sum: 4, sumSquares: 6, mean: 1, deviation: Math.sqrt(0.5) },
            },
          ],
        },
      ],
      away: [],
    });
    await server.close();
    const comparison = (agreed: number, disagreed: number): unknown =>
      part(
        [
          {
            namespace: "team",
            deployment: "iris",
            predictor: "shadow",
            against: "main",
            rules: "true",
            sinceMs: agreed,
            pairs: agreed + disagreed,
            agreed,
            disagreed,
            agreement: null,
            incomparable: [],
            leftOut: [{ reason: "rate", count: 1 }],
            paths: [],
            morePaths: false,
          },
        ],
        ["iris"],
      );
    const second = await start([
      { kind: "said", name: "sluice-2", value: comparison(30, 1) },
      { kind: "said", name: "sluice-3", value: comparison(20, 2) },
    ]);
    expect(await second.get("/api/v1/comparisons")).toMatchObject({
      items: [{ deployment: "iris", pairs: 53, agreed: 50, sinceMs: 20, leftOut: [{ reason: "rate", count: 2 }] }],
      away: [],
    });
  });

  test("asks for 200 items at most, and nobody where the question is about it alone", async () => {
    const { get, asked, own } = await start([{ kind: "away", name: "sluice-2", sentence: "gone" }]);
    for (const limit of [199, 200, 201, 10_000]) await get(`/api/v1/problems?limit=${limit}&namespace=team`);
    expect(asked).toEqual([199, 200, 200, 200].map((limit) => `/api/v1/problems?limit=${limit}&namespace=team`));
    expect(await get("/api/v1/problems?replica=self")).toEqual({
      items: [own],
      continue: null,
      away: [],
      keys: [keyOf(own)],
    });
    expect(asked).toHaveLength(4);
    expect(await get("/api/v1/problems?replica=other")).toMatchObject({ error: "bad-request" });
  });

  test("adds up what is left out, and says whose failure each is", async () => {
    const entry = (atMs: number, requestId: string): AccessEntry => ({
      ...emptyEntry,
      atMs,
      code: 503,
      flag: "UF",
      namespace: "team",
      requestId,
    });
    const requests = new RequestBook(() => undefined);
    requests.take([entry(5, "own")], { failures: 2, others: 0 });
    const value = part([entry(9, "theirs")], ["0999999999999991 0999999999999999"], { leftOut: 3 });
    const { get } = await start([{ kind: "said", name: "sluice-2", value }], { requests });
    expect(await get("/api/v1/failures")).toMatchObject({
      items: [
        { requestId: "theirs", replica: "sluice-2" },
        { requestId: "own", replica: "this replica" },
      ],
      leftOut: 5,
    });
  });

  test("finds the request that another replica kept", async () => {
    const request = { ...emptyEntry, requestId: "abc", namespace: "team" };
    const { get } = await start([{ kind: "said", name: "sluice-2", value: { request, cause: "it was", next: [] } }]);
    expect(await get("/api/v1/requests/abc")).toMatchObject({ cause: "it was" });
  });

  test("tells a stream that it is of one replica", async () => {
    await start([{ kind: "away", name: "sluice-2", sentence: "gone" }]);
    const ending = new AbortController();
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/logs`, {
      headers: { authorization: "Bearer token", accept: "text/event-stream" },
      signal: ending.signal,
    });
    let text = "";
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (text.includes("event: note")) break;
    }
    ending.abort();
    expect(text).toContain('event: note\ndata: {"sentence":"of this replica alone: 1 other has its own"}\n\n');
  });
});

test("a viewer of one namespace gets nothing of others, and no continue that names one", () => {
  const spaces: Joining<string> = {
    ...numbers,
    namespace: (value) => value,
    merge: (same) => same.map(({ value }) => value),
  };
  const own: Page<string> = { items: [{ key: "b", value: "team" }], next: null, beside: {}, away: [] };
  const said = {
    kind: "said" as const,
    replica: "sluice-2",
    part: { items: ["secret", "team", "secret"], keys: ["a", "b", "c"], continue: "more" },
  };
  const joined = joinedPage(
    own,
    [said, { kind: "away", replica: "x", sentence: "10.0.0.1 is away" }],
    spaces,
    tenant(new Set(["team"])),
    5,
  );
  expect(joined.items).toEqual([
    { key: "b", value: "team" },
    { key: "b", value: "team" },
  ]);
  expect(Buffer.from(joined.next!, "base64url").toString()).toBe('["b",1]');
  expect(joined.away).toEqual([{ replica: "x", sentence: "it does not answer" }]);
});
