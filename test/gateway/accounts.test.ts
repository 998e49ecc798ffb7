// What the clients of a run saw, the counters, the log and /api are equal to the request, under faults and with workers that end.
//
// A data worker that is killed may lose lines of its requests that it had not handed over, in the log and among the kept failures, and the count of the one whose answer it was
// sending. No line and no count says of a request what its client did not see.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as fc from "fast-check";
import type { Deployment } from "../../gateway/api/deployments.ts";
import type { Status } from "../../gateway/api/status.ts";
import { isFailureEntry } from "../../gateway/shared/access-fields.ts";
import { freePort } from "../ports.ts";
import { askGrpc, askRest, type Asking, type Seen } from "./accounts/asking.ts";
import { books, change, tally, type Counts } from "./accounts/books.ts";
import {
  byId,
  codeOf,
  contradiction,
  countOf,
  flagsOf,
  idOf,
  kept,
  measuredOf,
  seriesOf,
  triedOf,
  triesOfAgain,
  type KeptLine,
  type Line,
} from "./accounts/lines.ts";
import { ScriptedModels } from "./accounts/scripted-models.ts";
import { step, type Step } from "./accounts/steps.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { until } from "./until.ts";

let stage: GatewayStage;
let models: ScriptedModels;
let gateway: GatewayProcess;
let admin: string;
let port: number;
let asked = 0;

/** Mappings alone, which are no deployments. */
const mappings = `apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: moved, namespace: prod }
spec: { prefix: /moved/, service: elsewhere.example, host_redirect: true }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: crossed, namespace: prod }
spec: { prefix: /crossed/, service: "rest-default.prod:8000", cors: { origins: ["http://app.example"], methods: [GET] } }
`;

const key = "a-key-of-the-app-that-is-long";

beforeEach(async () => {
  stage = await GatewayStage.open();
  models = await ScriptedModels.start();
  const { manifests, files } = stage;
  const times = { "seldon.io/rest-timeout": "150", "seldon.io/grpc-timeout": "150" };
  await manifests.deploy("rest", models.restPort, "prod", times);
  await manifests.deploy("again", models.restPort, "prod", { ...times, "seldon.io/ambassador-retries": "2" });
  await manifests.deploy("locked", models.restPort, "prod", { ...times, "sluice.io/auth": "keys" });
  await manifests.deploy("limited", models.restPort, "prod", { ...times, "sluice.io/rate-limit": "3/h" });
  await manifests.deploy("dead", await freePort());
  await manifests.deploy("empty", models.restPort);
  await manifests.deployGrpc("call", models.callPort);
  await manifests.deployGrpc("dead-call", await freePort());
  await manifests.deployGrpc("empty-call", models.callPort);
  for (const name of ["empty", "empty-call"])
    await edit(name, (text) => text.replace(/endpoints:\n[^]*$/u, "endpoints: []\n"));
  for (const name of ["call", "dead-call", "empty-call"])
    await edit(name, (text) => text.replace("annotations: {}", `annotations: ${JSON.stringify(times)}`));
  await manifests.write("mappings.yaml", mappings);
  await files.write("keys", `app ${key}\n`);
  await files.write(
    "policy.yaml",
    `defaults: { auth: none }\nproviders:\n  keys: { kind: api-keys, file: ${JSON.stringify(`${files.folder}/keys`)} }\n`,
  );
  gateway = stage.serve(2, "--access-log", "all", "--trusted-hops", "1", "--policy", `${files.folder}/policy.yaml`);
  const at = await gateway.listening();
  admin = at.admin;
  port = Number(new URL(at.traffic).port);
});
afterEach(async () => {
  models.stop();
  await stage.close();
});

async function edit(name: string, change: (text: string) => string): Promise<void> {
  const file = `prod-${name}.yaml`;
  await stage.manifests.write(file, change(await readFile(join(stage.manifests.folder, file), "utf8")));
}

/** One request of a client. */
async function ask({ to, plan, leaving }: Step): Promise<Seen> {
  asked += 1;
  const reaches = ["rest", "again", "call"].includes(to);
  const asking: Asking = { port, id: `r${asked}`, plan, leaving: reaches ? leaving : "after", models };
  const line = (name: string, version = "1.1"): string => `GET /seldon/prod/${name}/x HTTP/${version}`;
  switch (to) {
    case "call":
    case "dead-call":
    case "empty-call":
    case "no-call":
      return askGrpc(asking, { seldon: to });
    case "broken-call":
      return askGrpc(asking, { seldon: "call", expect: "more" });
    case "rest-call":
      return askGrpc(asking, { ":path": "/seldon/prod/rest/x" });
    case "web-call":
      return askRest(
        asking,
        "POST /seldon.protos.Seldon/Predict HTTP/1.1",
        "seldon: call\r\nnamespace: prod\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: 5\r\n",
        "\0\0\0\0\0",
      );
    case "opened":
      return askRest(asking, line("locked"), `x-api-key: ${key}\r\n`);
    case "http10":
      return askRest(asking, line("rest", "1.0"));
    case "nowhere":
      return askRest(asking, "GET /nowhere HTTP/1.1");
    case "moved":
      return askRest(asking, "GET /moved/x HTTP/1.1");
    case "preflight":
      return askRest(
        asking,
        "OPTIONS /crossed/x HTTP/1.1",
        "origin: http://app.example\r\naccess-control-request-method: GET\r\n",
      );
    case "broken":
      return askRest(asking, line("rest"), "bad field\r\n");
    case "websocket":
      return askRest(
        asking,
        line("rest"),
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n",
      );
    default:
      return askRest(asking, line(to));
  }
}

function linesFrom(first: number): readonly Line[] {
  return gateway.records.slice(first).filter(({ event }) => event === "access") as unknown as Line[];
}

async function items<Item>(path: string): Promise<readonly Item[]> {
  const found: Item[] = [];
  for (let next: string | null = ""; next !== null;) {
    const answer = await fetch(`${admin}${path}?limit=500${next === "" ? "" : `&continue=${next}`}`);
    const part = (await answer.json()) as { readonly items: readonly Item[]; readonly continue: string | null };
    found.push(...part.items);
    next = part.continue;
  }
  return found;
}

async function measured(): Promise<Counts> {
  const found = await items<Deployment>("/api/v1/deployments");
  return Object.fromEntries(
    found.flatMap(({ namespace, name, lastMinute: { requests, failed, modelErrors, failures } }) => [
      [`${namespace}/${name}`, requests],
      [`${namespace}/${name} failed`, failed],
      [`${namespace}/${name} model errors`, modelErrors],
      ...failures.map(({ flag, count }) => [`${namespace}/${name} flag ${flag}`, count] as const),
    ]),
  );
}

/** What Endpoints counted in the last minute, by deployment. Of the one with retries only how many tries: its lines say nothing of those before the last. */
async function tried(): Promise<Counts> {
  const found = await items<Deployment>("/api/v1/deployments");
  return Object.fromEntries(
    found.flatMap(({ namespace, name, predictors }) =>
      predictors
        .flatMap(({ endpoints }) => endpoints)
        .flatMap(({ lastMinute }): [string, number][] => {
          const { requests, answers, failures } = lastMinute!;
          const endpoint = `${namespace}/${name}`;
          if (name === "again") return [[`${endpoint} tries`, requests]];
          return [
            [`${endpoint} answers`, answers],
            ...failures.map(({ flag, count }): [string, number] => [`${endpoint} flag ${flag}`, count]),
          ];
        }),
    ),
  );
}

interface SeenStep extends Seen {
  /** The label of its status. */
  readonly counted: string;
  readonly to: string;
}

/** Steps whose every answer names their deployment. */
const deployments: ReadonlySet<string> = new Set(["rest", "again", "call", "dead", "empty", "dead-call", "empty-call"]);

/** Runs the steps beside each other, at most so many at a time. */
async function askAll(steps: readonly Step[], each: (at: number) => void): Promise<readonly SeenStep[]> {
  const seen: SeenStep[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    for (let at = next++; at < steps.length; at = next++) {
      each(at);
      const step = steps[at]!;
      const one = await ask(step);
      // To a caller an answer without a status is UNKNOWN.
      const isSilent = step.to === "call" && one.grpcStatus < 0;
      // A Series of REST counts statuses of HTTP, whoever calls.
      const counted = codeOf(step.to === "rest-call" ? { ...one, grpcStatus: -1 } : one);
      seen.push({ ...one, counted: isSilent ? "UNKNOWN" : counted, to: step.to });
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  return seen;
}

async function keptOf(ids: ReadonlySet<string>): Promise<readonly KeptLine[]> {
  const found = await items<KeptLine>("/api/v1/failures");
  return found
    .filter(({ requestId }) => ids.has(requestId))
    .map(kept)
    .sort(byId);
}

const settled = async (): Promise<boolean> => (await books(admin)).inFlight === 0;

/** A worker that ended often is started again after a while. */
const allServe = async (): Promise<boolean> => {
  const answer = await fetch(`${admin}/api/v1/status`);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  const { workers } = (await answer.json()) as Status;
  return workers.ready === workers.wanted;
};

test("what clients saw, the counters, the log and /api are equal to the request", async () => {
  const startedMs = performance.now();
  const inWindow = (): boolean => performance.now() - startedMs < 50_000;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 80 }), async (steps) => {
      await until(settled);
      const first = gateway.records.length;
      const [before, beforeMeasured, beforeTried] = [await books(admin), await measured(), await tried()];
      const all = await askAll(steps, () => undefined);
      await until(() => linesFrom(first).length >= all.length, "a line for each request");
      await until(settled);
      const [lines, after] = [linesFrom(first), await books(admin)];

      const lineOf = new Map(lines.map((line) => [line.requestId, line]));
      expect(all.filter((seen) => !lineOf.has(idOf(seen)))).toEqual([]);
      expect(all.map((seen) => contradiction(seen, lineOf.get(idOf(seen))!)).filter((found) => found !== "")).toEqual(
        [],
      );
      expect(lines).toHaveLength(all.length);
      const own = all.filter(({ to }) => to === "moved" || to === "preflight");
      expect(own.map(({ to, status }) => [to, status])).toEqual(own.map(({ to }) => [to, to === "moved" ? 301 : 200]));
      expect(change(before.requests, after.requests)).toEqual(tally(lines.map(countOf)));
      expect(change(before.failures, after.failures)).toEqual(
        tally(lines.flatMap((line) => flagsOf(line).map((flag) => `${seriesOf(line)} ${flag}`))),
      );
      const failed = lines.filter(isFailureEntry).map(kept).sort(byId);
      const ids = new Set(lineOf.keys());
      await until(async () => (await keptOf(ids)).length >= failed.length, "each failure is kept");
      expect(await keptOf(ids)).toEqual(failed);
      if (!inWindow()) return;
      expect(change(beforeMeasured, await measured())).toEqual(measuredOf(lines));
      const { [triesOfAgain]: triesCounted = 0, ...others } = change(beforeTried, await tried());
      expect(others).toEqual(triedOf(lines));
      // Each try that a model saw is counted at its Endpoint, but the one that a client has left. A busy model may not have seen the one whose time ended.
      const again = lines.filter(({ deployment }) => deployment === "again");
      const triesSeen = again.reduce((sum, { requestId }) => sum + models.timesAsked(requestId), 0);
      const left = again.filter(({ flag }) => flag.includes("DC")).length;
      const late = again.filter(({ flag }) => flag.includes("UT")).length;
      expect(triesCounted).toBeLessThanOrEqual(triesSeen + late);
      expect(triesCounted).toBeGreaterThanOrEqual(triesSeen - left);
    }),
    { numRuns: 4, endOnFailure: true },
  );
});

test("a data worker that is killed loses lines that it had not handed over, and the count of what it was sending", async () => {
  // Lines of the run before may come late.
  const asked = new Set<string>();
  const startedMs = performance.now();
  const inWindow = (): boolean => performance.now() - startedMs < 50_000;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 40, maxLength: 60 }),
      fc.nat(39),
      fc.constantFrom("terminate" as const, "exit" as const, "throw" as const),
      async (steps, at, way) => {
        await until(allServe, "both workers");
        await until(settled);
        const first = gateway.records.length;
        const [before, beforeTried] = [await books(admin), await tried()];
        const all = await askAll(steps, (step) => {
          if (step === at) gateway.endThread("data-0", way);
        });
        await until(() => gateway.records.slice(first).some(({ event }) => event === "worker-ended"), "it ended");
        await until(settled);
        const after = await books(admin);
        const seenOf = new Map(all.map((seen) => [idOf(seen), seen]));
        for (const id of seenOf.keys()) asked.add(id);
        const told = linesFrom(first);
        const lines = told.filter(({ requestId }) => seenOf.has(requestId));
        const lineOf = new Map(lines.map((line) => [line.requestId, line]));

        // No line of what nobody asked, none twice, none that says otherwise than the client saw.
        expect(told.filter(({ requestId }) => requestId !== "" && !asked.has(requestId))).toEqual([]);
        expect(lineOf.size).toBe(lines.length);
        const whole = all.filter(({ isWhole, left }) => isWhole && !left);
        expect(
          whole
            .filter((seen) => lineOf.has(idOf(seen)))
            .map((seen) => contradiction(seen, lineOf.get(idOf(seen))!))
            .filter((found) => found !== ""),
        ).toEqual([]);
        const added = change(before.requests, after.requests);
        // Each line was counted, and at most each request was.
        for (const [name, count] of Object.entries(tally(lines.map(countOf))))
          expect([name, (added[name] ?? 0) >= count]).toEqual([name, true]);
        // Each answer of a model is counted at its Endpoint, but the one between whose two counts the worker ended.
        const answers = (counts: Counts, named: RegExp): number =>
          Object.entries(counts).reduce((sum, [name, count]) => sum + (named.test(name) ? count : 0), 0);
        const byModels = answers(added, /^prod\/(?!again\/).* model /u);
        const byEndpoints = answers(change(beforeTried, await tried()), / answers$/u);
        if (inWindow()) expect([0, 1]).toContain(byModels - byEndpoints);
        // Each answer that was seen to its end was counted, with its status, and of its deployment where it names one, but the one between whose last byte and count the worker ended.
        const counted = new Map<string, number>();
        const add = (name: string, count: number): unknown => counted.set(name, (counted.get(name) ?? 0) + count);
        for (const [name, count] of Object.entries(added)) {
          const [series = "", , , code = ""] = name.split(" ");
          add(code, count);
          add(`${series.split("/")[1]!} ${code}`, count);
        }
        const missing = (saw: readonly string[]): number =>
          Object.entries(tally(saw)).reduce(
            (sum, [name, count]) => sum + Math.max(0, count - (counted.get(name) ?? 0)),
            0,
          );
        expect(missing(whole.map((seen) => seen.counted))).toBeLessThanOrEqual(1);
        const named = whole.filter(({ to }) => deployments.has(to));
        expect(missing(named.map((seen) => `${seen.to} ${seen.counted}`))).toBeLessThanOrEqual(1);
        expect(Object.values(added).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(all.length);
      },
    ),
    { numRuns: 3, endOnFailure: true },
  );
});
