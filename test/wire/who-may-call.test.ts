// What `who` and `explain` say of who may call is what a request to the data plane gets, whatever the policy, the guard, an AuthService, a RateLimitService, the Module and a Host say.
import { operator } from "../../gateway/api/viewer.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AddressBlocks } from "../../routing/text/address-block.ts";
import { readAddress } from "../../routing/text/address.ts";
import { noExternalServices, type ExternalServices } from "../../routing/model/external-services.ts";
import { plainGuard, type Guard } from "../../routing/model/guard.ts";
import type { Cleartext } from "../../routing/model/host-tls.ts";
import type { Mapping, RedirectTarget } from "../../routing/model/mapping.ts";
import type { LabelGroup } from "../../routing/model/rate-limit-labels.ts";
import { privateTable } from "../../routing/private-table.ts";
import {
  plainSettings,
  type AddressRule,
  type FrontSettings,
  type TableChange,
} from "../../routing/model/table-change.ts";
import { noPolicy, noRules, type CallPolicy, type Rules } from "../../gateway/callers/call-policy.ts";
import { explain, type Explanation } from "../../gateway/explain/explanation.ts";
import { servedHosts } from "../../gateway/explain/host-words.ts";
import { inSigns } from "../../gateway/explain/match-words.ts";
import { whoOf, type WhoRow } from "../../gateway/explain/who.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { keysProvider } from "../policies.ts";
import * as fc from "../seeded.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { GrpcService, httpAuth, rateLimits } from "./external-services.ts";
import { Gateway, endpointsOn, irisTo, plainFront, post } from "./gateway.ts";
import { certPem, keyPem } from "./identity.ts";
import { Origin, answerEach } from "./origin.ts";

const keys: Readonly<Record<string, string>> = { keys: "correct-horse-battery", partners: "another-key-of-partners" };
const blocks = ["127.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32"];

/** What is configured. */
interface World {
  readonly guard: Guard;
  readonly defaults: Rules;
  readonly namespace: Rules | null;
  readonly mayOpen: boolean;
  /** Providers that have no keys. */
  readonly keyless: readonly string[];
  readonly clientHeader: boolean;
  /** `allows`, `denies`: what the service says; `away`: it cannot be asked. */
  readonly auth: "none" | "closed" | "allows" | "denies" | "away";
  readonly failureModeAllow: boolean;
  readonly bypassAuth: boolean;
  readonly rateLimit: "none" | "closed" | "within" | "over" | "of another domain" | "of a misspelt domain";
  readonly labels: boolean;
  readonly module: Pick<FrontSettings, "addresses" | "trustedHops"> | null;
  readonly cleartext: Cleartext | null;
  readonly redirects: boolean;
}

/** What is sent. */
interface Sent {
  readonly secure: boolean;
  /** In x-forwarded-for; null: none. */
  readonly from: string | null;
  readonly key: "keys" | "partners" | "wrong" | null;
}

const listOf = fc.option(fc.subarray(blocks, { minLength: 1 }), { nil: null, freq: 2 });
const names = fc.subarray(["keys", "partners"], { minLength: 1 });
const rules: fc.Arbitrary<Rules> = fc.record({
  auth: fc.oneof(fc.constant(null), fc.constant(null), fc.constant("none" as const), names),
  allow: listOf,
  deny: fc.oneof(fc.constant(null), fc.constant(null), listOf),
  limits: fc.constant(null),
});
const addressRule: fc.Arbitrary<AddressRule> = fc.record({
  kind: fc.constantFrom("allow", "deny"),
  peer: fc.subarray(blocks),
  remote: fc.subarray(blocks),
});
const guard: fc.Arbitrary<Guard> = fc.record({
  auth: fc.oneof(
    fc.constant(null),
    fc.constant(null),
    names.map((some) => ({ kind: "providers" as const, names: some })),
    fc.constant({ kind: "providers" as const, names: ["unknown"] }),
    fc.boolean().map((granted) => ({ kind: "open" as const, granted })),
  ),
  allow: listOf,
  deny: fc.oneof(fc.constant(null), fc.constant(null), listOf),
  limits: fc.constant(null),
});
const world: fc.Arbitrary<World> = fc.record({
  guard,
  defaults: rules,
  namespace: fc.option(rules, { nil: null }),
  mayOpen: fc.boolean(),
  keyless: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.subarray(["keys", "partners"]) },
  ),
  clientHeader: fc.boolean(),
  auth: fc.constantFrom("none", "none", "closed", "allows", "denies", "away"),
  failureModeAllow: fc.boolean(),
  bypassAuth: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  rateLimit: fc.constantFrom("none", "none", "closed", "within", "over", "of another domain", "of a misspelt domain"),
  labels: fc.boolean(),
  module: fc.option(
    fc.record({
      addresses: fc.array(addressRule, { maxLength: 2 }),
      trustedHops: fc.constantFrom(null, 0, 1, "unknown" as const),
    }),
    { nil: null },
  ),
  cleartext: fc.option(fc.constantFrom("redirect", "route", "reject"), { nil: null }),
  redirects: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const sent: fc.Arbitrary<Sent> = fc.record({
  secure: fc.boolean(),
  from: fc.constantFrom(null, "10.1.2.3", "192.0.2.7", "203.0.113.9"),
  key: fc.constantFrom(null, "keys", "partners", "wrong"),
});

/** A key is asked for, and nobody says anything else. */
const open: World = {
  guard: plainGuard,
  defaults: { ...noRules, auth: ["partners"] },
  namespace: null,
  mayOpen: false,
  keyless: [],
  clientHeader: false,
  auth: "none",
  failureModeAllow: false,
  bypassAuth: false,
  rateLimit: "none",
  labels: false,
  module: null,
  cleartext: null,
  redirects: false,
};

let gateway: Gateway;
let model: Origin;
let auth: Origin;
let limits: GrpcService;

beforeAll(async () => {
  model = await new Origin().listen();
  auth = await new Origin().listen();
  limits = await GrpcService.rateLimit(() => ({ overall_code: "OK" }));
  gateway = await new Gateway({ time: "real", policy: noPolicy }).listen();
});
afterAll(async () => {
  gateway.close();
  limits.close();
  await Promise.all([model.close(), auth.close()]);
});

function policyOf({ defaults, namespace, mayOpen, keyless, clientHeader }: World): CallPolicy {
  const providers = Object.fromEntries(
    Object.entries(keys).map(([name, key]) => [name, keysProvider(keyless.includes(name) ? {} : { [key]: name })]),
  );
  return {
    ...noPolicy,
    providers,
    defaults,
    clientHeader,
    namespaces: { prod: { ...(namespace ?? noRules), mayOpen } },
  };
}

function externalOf({ auth: asked, failureModeAllow, rateLimit }: World): ExternalServices {
  return {
    auth:
      asked === "none"
        ? noExternalServices.auth
        : asked === "closed"
          ? { kind: "closed" }
          : { kind: "service", service: { ...httpAuth, failureModeAllow } },
    rateLimit:
      rateLimit === "none"
        ? noExternalServices.rateLimit
        : rateLimit === "closed"
          ? { kind: "closed" }
          : {
              kind: "service",
              service: {
                ...rateLimits,
                timeoutMs: 5000,
                domain:
                  rateLimit === "of another domain"
                    ? "other"
                    : rateLimit === "of a misspelt domain"
                      ? "Ambassa-dor"
                      : "ambassador",
              },
            },
  };
}

/** The AuthService denies by 402, so that it is told from the 403 of one that is away. */
function set(one: World): {
  readonly table: ReturnType<typeof privateTable<null>>;
  readonly certificates: ReturnType<typeof certificateSet>;
} {
  auth.behaviour = answerEach(
    `HTTP/1.1 ${one.auth === "denies" ? "402 Payment Required" : "200 OK"}\r\ncontent-length: 0\r\n\r\n`,
  );
  limits.judge = () => ({ overall_code: one.rateLimit === "over" ? "OVER_LIMIT" : "OK" });
  const labels: LabelGroup = { domain: "ambassador", labels: [{ kind: "generic", key: "generic_key", value: "x" }] };
  const forward = irisTo("iris", {
    externalPolicy: { bypassAuth: one.bypassAuth, authContextExtensions: {}, labels: one.labels ? [labels] : null },
  });
  const elsewhere: RedirectTarget = { kind: "redirect", host: "elsewhere", code: 302, path: { kind: "keep" } };
  const mapping: Mapping = { ...forward, guard: one.guard, target: one.redirects ? elsewhere : forward.target };
  const settings = {
    ...plainSettings,
    external: externalOf(one),
    front: one.module === null ? null : { ...plainFront, ...one.module },
  };
  const upstreams = [upstreamOf("iris"), upstreamOf("auth"), { ...upstreamOf("limits"), protocol: "http2" as const }];
  const endpoints = [
    endpointsOn("iris", [model.port]),
    endpointsOn("auth", one.auth === "away" ? [] : [auth.port]),
    endpointsOn("limits", [limits.port]),
  ];
  gateway.plane.setPolicy(policyOf(one));
  gateway.serve([mapping], upstreams, endpoints, { settings });
  const certificates = certificateSet([
    hostDeclaration("door", ["*"], { certPem, keyPem }, { cleartext: one.cleartext }),
  ]);
  gateway.plane.setCertificates(certificates);
  const change: TableChange = {
    settings,
    mappings: [{ mapping, slot: -1 }],
    removedMappings: [],
    upstreams: upstreams.map((upstream) => ({ upstream, breakerSlot: -1 })),
    removedUpstreams: [],
    endpoints,
    endpointSlots: [],
    failing: [],
  };
  return { table: privateTable<null>(change, () => null), certificates };
}

/** What a request gets by what is said of who may call, and what it shows and is. */
function saidOf(
  { callers, addresses, limits: said }: WhoRow,
  { reject, ways }: Explanation,
  one: World,
  { from, key }: Sent,
): number {
  if (reject !== null) return Number(reject.answer);
  const hops = one.module?.trustedHops ?? 0;
  const peer = "127.0.0.1";
  const client = hops === 1 && from !== null ? from : peer;
  const lacking = /([a-z]+(?: and [a-z]+)*) ha(?:s|ve) no keys/.exec(callers)?.[1]?.split(" and ") ?? [];
  if (callers.startsWith("nobody: ") && lacking.length > 0) return addressRefuses(addresses, client, peer) ? 403 : 401;
  if (callers.startsWith("nobody: ")) return Number(/\((\d{3})\)/.exec(callers)?.[1] ?? 403);
  if (addressRefuses(addresses, client, peer)) return 403;
  const asked = /^clients of ([a-z]+(?: or [a-z]+)*)(?:,| \(|$)/
    .exec(callers)?.[1]
    ?.split(" or ")
    .filter((name) => !lacking.includes(name));
  if (asked !== undefined && (key === null || !asked.includes(key))) return 401;
  if (/(?:^|and )as the AuthService says/.test(callers)) {
    if (one.auth === "denies") return 402;
    if (one.auth === "away" && !callers.includes("the request goes on")) return 403;
  }
  if (said.includes("as the RateLimitService says") && one.rateLimit === "over") return 429;
  return ways[0]!.decision.kind === "redirect" ? 302 : 200;
}

/** `only from A, B or C at the other end of the connection (…)`, `not from …`. */
function addressRefuses(texts: readonly string[], client: string, peer: string): boolean {
  return texts.some((text) => {
    const [, words, lists] = /^(only|not) from (.*?) \([^)]*\)$/.exec(text)!;
    const isListed = lists!.split(" or ").some((list) => {
      const atPeer = list.endsWith(" at the other end of the connection");
      return list
        .replace(" at the other end of the connection", "")
        .split(", ")
        .some((block) => holds(block, atPeer ? peer : client));
    });
    return words === "only" ? !isListed : isListed;
  });
}

function holds(block: string, address: string): boolean {
  const bytes = new Uint8Array(16);
  const text = Buffer.from(address);
  const length = readAddress(text, 0, text.length, bytes);
  return length !== 0 && new AddressBlocks([block]).holds(bytes, length);
}

async function agrees(one: World, request: Sent): Promise<void> {
  const { table, certificates } = set(one);
  const hosts = servedHosts(certificates);
  const policy = policyOf(one);
  const [row] = whoOf(table, { policy, trustedHops: null, unread: new Set(), problems: [], hosts }, null).who;
  const headers: [string, string][] = [
    ...(request.from === null ? [] : [["x-forwarded-for", request.from] as [string, string]]),
    ...(request.key === null ? [] : [["x-api-key", keys[request.key] ?? "a-key-of-nobody"] as [string, string]]),
  ];
  const explanation = explain(
    table,
    {
      method: "POST",
      host: "gateway",
      path: "/seldon/prod/iris/api/v1.0/predictions",
      headers,
      grpc: false,
      secure: request.secure,
    },
    {
      translation: { choiceOf: () => null, ofAnother: [], upstreams: new Map() },
      bodyBytes: 0,
      policy,
      as: null,
      oauth: false,
      trustedHops: null,
      unread: new Set(),
      hosts,
      wording: inSigns,
      viewer: operator,
      measuredOf: () => null,
    },
  );
  const said = saidOf(row!, explanation, one, request);
  const { status } = await gateway.ask(
    request.secure,
    post("x", headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")),
  );
  // Where a service is asked last, others may refuse first.
  if (said === 500) expect([500, 401, 402, 403], JSON.stringify(row)).toContain(status);
  else expect(status, `${JSON.stringify(row)} ${JSON.stringify(explanation.reject)}`).toBe(said);
  if (explanation.reject !== null) return;
  // Both say the same of callers, and what is not said holds nobody back.
  const told = explanation.ways[0]!.callers.join("\n");
  for (const text of row!.addresses) expect(told).toContain(text);
  if (row!.callers !== "anybody" || row!.since !== "nothing says otherwise")
    for (const part of row!.callers.split(", and ")) expect(told).toContain(part);
}

describe("what is said of who may call is what a request gets", () => {
  test("whatever is configured and sent", async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.array(sent, { minLength: 1, maxLength: 3 }), async (one, requests) => {
        for (const request of requests) await agrees(one, request);
      }),
      {
        numRuns: 150,
        examples: [
          [
            {
              ...open,
              module: {
                addresses: [{ kind: "allow", peer: ["192.0.2.7/32"], remote: ["127.0.0.0/8"] }],
                trustedHops: "unknown",
              },
            },
            [{ secure: false, from: null, key: null }],
          ],
          [
            { ...open, defaults: noRules, rateLimit: "of a misspelt domain", labels: true },
            [{ secure: false, from: null, key: null }],
          ],
        ],
      },
    );
  }, 120_000);
});
