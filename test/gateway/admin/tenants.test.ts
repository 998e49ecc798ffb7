// Who may see what, for every endpoint: a new endpoint without a line does not compile.
import type { Rollout } from "../../../gateway/api/rollouts.ts";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endpoints } from "../../../gateway/admin/endpoints.ts";
import type { Endpoint } from "../../../gateway/admin/endpoint.ts";
import type { Change } from "../../../gateway/api/changes.ts";
import { ChangeRing } from "../../../gateway/control/changes/change-ring.ts";
import type { ComparedSidesView } from "../../../gateway/admin/view/view.ts";
import { Comparison } from "../../../routing/release/compare/comparison.ts";
import { plainRules } from "../../../routing/release/compare/rules.ts";
import { RequestBook } from "../../../gateway/control/failures/request-book.ts";
import { emptyEntry, type AccessEntry } from "../../../gateway/shared/access-fields.ts";
import type { AdminServer } from "../../../gateway/admin/server.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import { mappingOf } from "../fixtures.ts";
import { startedAdmin } from "./admin-stage.ts";
import { askJudged } from "./judged-answer.ts";

/** Everybody gets it; the operator alone; or each viewer what is of the viewer's namespaces. */
type Line = "everyone" | "operator" | readonly Question[];

interface Question {
  readonly path: string;
  readonly body?: unknown;
  /** The tenant gets what somebody gets who asks this about nothing: it does not exist. */
  readonly asIf?: Omit<Question, "asIf">;
}

const routeOf = (namespace: string, name: string): string => `/seldon/${namespace}/${name}/api/v1.0/predictions`;
const explained = (path: string): Question => ({ path: `/api/v1/explain?path=${path}` });
const posted = (path: string): Question => ({ path: "/api/v1/explain", body: { path } });

const lines: Readonly<Record<keyof typeof endpoints, Line>> = {
  live: "everyone",
  ready: "everyone",
  metrics: "everyone",
  openapi: "everyone",
  status: "operator",
  evidence: "operator",
  revoke: "operator",
  routes: [
    { path: "/api/v1/routes" },
    { path: "/api/v1/routes?limit=9" },
    { path: "/api/v1/routes?wide=true" },
    { path: "/api/v1/routes?deployment=hidden", asIf: { path: "/api/v1/routes?deployment=nothere" } },
    { path: "/api/v1/routes?deployment=theirs/hidden", asIf: { path: "/api/v1/routes?deployment=theirs/nothere" } },
    { path: "/api/v1/routes?namespace=theirs", asIf: { path: "/api/v1/routes?namespace=nothere" } },
  ],
  deployments: [
    { path: "/api/v1/deployments" },
    { path: "/api/v1/deployments?deployment=hidden", asIf: { path: "/api/v1/deployments?deployment=nothere" } },
    { path: "/api/v1/deployments?namespace=theirs", asIf: { path: "/api/v1/deployments?namespace=nothere" } },
  ],
  deployment: [{ path: "/api/v1/deployments/theirs/hidden", asIf: { path: "/api/v1/deployments/nowhere/nothing" } }],
  feedback: [
    { path: "/api/v1/feedback" },
    { path: "/api/v1/feedback?deployment=hidden", asIf: { path: "/api/v1/feedback?deployment=nothere" } },
    { path: "/api/v1/feedback?namespace=theirs", asIf: { path: "/api/v1/feedback?namespace=nothere" } },
  ],
  rollouts: [
    { path: "/api/v1/rollouts" },
    { path: "/api/v1/rollouts?deployment=hidden", asIf: { path: "/api/v1/rollouts?deployment=nothere" } },
    { path: "/api/v1/rollouts?namespace=theirs", asIf: { path: "/api/v1/rollouts?namespace=nothere" } },
  ],
  who: [
    { path: "/api/v1/who" },
    { path: "/api/v1/who?deployment=hidden", asIf: { path: "/api/v1/who?deployment=nothere" } },
    { path: "/api/v1/who?namespace=theirs", asIf: { path: "/api/v1/who?namespace=nothere" } },
  ],
  problems: [
    { path: "/api/v1/problems" },
    { path: "/api/v1/problems?namespace=theirs", asIf: { path: "/api/v1/problems?namespace=nothere" } },
  ],
  changes: [
    { path: "/api/v1/changes" },
    { path: "/api/v1/changes?limit=1" },
    { path: "/api/v1/changes?deployment=hidden", asIf: { path: "/api/v1/changes?deployment=nothere" } },
    { path: "/api/v1/changes?namespace=theirs", asIf: { path: "/api/v1/changes?namespace=nothere" } },
  ],
  failures: [
    { path: "/api/v1/failures" },
    { path: "/api/v1/failures?deployment=hidden", asIf: { path: "/api/v1/failures?deployment=nothere" } },
    { path: "/api/v1/failures?namespace=theirs", asIf: { path: "/api/v1/failures?namespace=nothere" } },
  ],
  comparisons: [
    { path: "/api/v1/comparisons" },
    { path: "/api/v1/comparisons?deployment=hidden", asIf: { path: "/api/v1/comparisons?deployment=nothere" } },
    { path: "/api/v1/comparisons?namespace=theirs", asIf: { path: "/api/v1/comparisons?namespace=nothere" } },
  ],
  comparison: [{ path: "/api/v1/comparisons/theirs/hidden", asIf: { path: "/api/v1/comparisons/nowhere/nothing" } }],
  request: [{ path: "/api/v1/requests/id-of-theirs", asIf: { path: "/api/v1/requests/id-of-nobody" } }],
  // A stream: below.
  logs: [{ path: "/api/v1/logs" }],
  explain: [
    {
      ...explained(routeOf("theirs", "hidden")),
      asIf: explained(routeOf("nowhere", "nothing")),
    },
    // A word that is nearly the name of another's deployment is no hint.
    { ...explained(routeOf("theirs", "hiden")), asIf: explained(routeOf("nowhere", "nothing")) },
    { ...explained("/common/x"), asIf: explained("/nothing/x") },
  ],
  explainByBody: [
    { ...posted(routeOf("theirs", "hidden")), asIf: posted(routeOf("nowhere", "nothing")) },
    { ...posted("/common/x"), asIf: posted("/nothing/x") },
  ],
};

const of = (namespace: string, name: string, prefix: string, space: string | null): Mapping => {
  const mapping = mappingOf(name, name);
  return {
    ...mapping,
    id: `SeldonDeployment ${namespace}/${name} http ${prefix}`,
    source: { ...mapping.source, namespace },
    namespace,
    space,
    match: { ...mapping.match, path: { kind: "prefix", prefix, caseSensitive: true } },
    series: { ...mapping.series, namespace },
  };
};
const problemOf = (namespace: string, name: string): Problem => ({
  code: "bad-value",
  level: "warning",
  subject: { kind: namespace === "" ? "Policy" : "SeldonDeployment", namespace, name },
  field: "x",
  sentence: `of ${name}.`,
});

const changeOf = (kind: string, namespace: string, name: string): Change => ({
  atMs: 0,
  object: { kind, namespace, name },
  field: "",
  from: "",
  to: "created",
  outcome: "live",
  sentence: `${name} created`,
  workers: "1 of 1",
  liveAfterMs: 1,
});
const comparedOf = (namespace: string, deployment: string): ComparedSidesView => ({
  sides: { namespace, deployment, predictor: "next", against: "main", rules: "true" },
  sinceMs: 0,
  counts: new Comparison(plainRules).counts,
});
const compared = [comparedOf("mine", "visible"), comparedOf("theirs", "hidden")];
const ring = new ChangeRing();
for (const change of [
  changeOf("SeldonDeployment", "theirs", "hidden"),
  changeOf("SeldonDeployment", "mine", "visible"),
  changeOf("Policy", "", "hidden-policy"),
  changeOf("Namespace", "", "theirs"),
])
  ring.add(change);
const failed = (namespace: string, deployment: string): AccessEntry => ({
  ...emptyEntry,
  requestId: `id-of-${namespace}`,
  namespace,
  deployment,
  flag: "UH",
});
const rolloutOf = (namespace: string, name: string): Rollout => ({
  namespace,
  name,
  kind: "rollout",
  state: "stepping",
  to: "canary",
  shares: [{ predictor: "canary", percent: 5 }],
  step: 1,
  steps: [5, 100],
  sinceMs: 0,
  sentence: `of ${name}.`,
  waitsFor: null,
  decides: true,
  evidence: null,
  gates: [],
});
const requests = new RequestBook(() => undefined);
requests.take([failed("mine", "visible"), failed("theirs", "hidden")], { failures: 3, others: 0 });

let admin: AdminServer;
const mine = "tenants-own-token";
beforeAll(async () => {
  admin = await startedAdmin(
    [
      of("mine", "visible", "/seldon/mine/visible/", "mine"),
      of("theirs", "hidden", "/seldon/theirs/hidden/", "theirs"),
      of("theirs", "hidden", "/common/", null),
    ],
    [problemOf("mine", "visible"), problemOf("theirs", "hidden"), problemOf("", "hidden-policy")],
    {
      changes: ring,
      rollouts: () => [rolloutOf("mine", "visible"), rolloutOf("theirs", "hidden")],
      requests,
      compared: {
        all: compared,
        of: (namespace, deployment) => {
          const comparisons = compared.filter(
            ({ sides }) => sides.namespace === namespace && sides.deployment === deployment,
          );
          return comparisons.length === 0 ? null : { comparisons, disagreements: [] };
        },
      },
      viewers: () =>
        new Map([
          [createHash("sha256").update(mine).digest("hex"), new Set(["mine"])],
          // As somebody declares it whose variable with the token was not set: it opens to nobody.
          [createHash("sha256").digest("hex"), new Set(["mine", "theirs"])],
        ]),
    },
  );
});
afterAll(() => admin.close());

async function ask(
  { path, body }: Question,
  method: string,
  token: string,
  accept: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await askJudged(admin.port, path, {
    method,
    headers: {
      accept,
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

/** Without the words of the question. */
function neutral(text: string, { path, body }: Question): string {
  const asked =
    (body as { path?: string } | undefined)?.path ?? new URLSearchParams(path.split("?")[1]).get("path") ?? "";
  const named = new URLSearchParams(path.split("?")[1]).get("deployment") ?? "";
  let rest = text;
  for (const word of [asked, named, ...asked.split("/")]) if (word.length > 3) rest = rest.replaceAll(word, "…");
  return rest;
}

test("a tenant who follows requests gets its own, and the operator gets all", async () => {
  const seen = await Promise.all(
    [mine, "token"].map(async (token) => {
      const response = await fetch(`http://127.0.0.1:${admin.port}/api/v1/logs`, {
        headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
      });
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
      return response.body!.pipeThrough(new TextDecoderStream()).getReader();
    }),
  );
  requests.take([failed("theirs", "hidden"), failed("mine", "visible"), { ...failed("mine", "last"), flag: "" }], {
    failures: 0,
    others: 0,
  });
  const told = await Promise.all(
    seen.map(async (reader) => {
      let text = "";
      while (!text.includes('"last"')) text += (await reader.read()).value ?? "";
      await reader.cancel();
      return [...text.matchAll(/"deployment":"(\w+)"/g)].map(([, name]) => name);
    }),
  );
  expect(told).toEqual([
    ["visible", "last"],
    ["hidden", "visible", "last"],
  ]);
});

describe.each(Object.entries(lines))("%s", (name, line) => {
  const { method, path, answer } = (endpoints as Readonly<Record<string, Endpoint>>)[name]!;
  const forms = [...(answer.json === null ? [] : ["application/json"]), ...(answer.text ? ["text/plain"] : [])];

  if (typeof line === "string") {
    test(`is for ${line === "everyone" ? "everyone" : "the operator alone"}`, async () => {
      const question = { path, ...(method === "POST" ? { body: {} } : {}) };
      const statuses = [];
      for (const token of ["", "wrong", mine, "token"])
        statuses.push((await ask(question, method, token, "application/json")).status);
      if (line === "everyone") expect(statuses).toEqual([200, 200, 200, 200]);
      else {
        expect(statuses.slice(0, 3)).toEqual([401, 401, 403]);
        expect([200, 409]).toContain(statuses[3]);
      }
    });
    return;
  }

  test("needs a token", async () => {
    for (const question of line)
      for (const token of ["", "wrong", createHash("sha256").update(mine).digest("hex")])
        expect((await ask(question, method, token, "application/json")).status).toBe(401);
  });

  test.each(line.flatMap((question) => forms.map((form) => [question.path, form, question] as const)))(
    "%s (%s) tells a tenant of its own namespaces alone",
    async (_, form, question) => {
      const operators = await ask(question, method, "token", form);
      // Else nothing below could fail.
      expect(operators.text).toMatch(/hidden/);
      const tenants = await ask(question, method, mine, form);
      if (question.asIf === undefined) {
        expect(tenants.status).toBe(200);
        expect(tenants.text).toContain("visible");
        expect(tenants.text).not.toMatch(/hidden|theirs|common/);
        return;
      }
      const nothing = await ask(question.asIf, method, mine, form);
      expect(tenants.status).toBe(nothing.status);
      expect(neutral(tenants.text, question)).toBe(neutral(nothing.text, question.asIf));
    },
  );
});
