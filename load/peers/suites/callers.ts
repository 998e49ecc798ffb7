// callers: what it costs to know who calls, and to limit how often: Sluice with and without, beside Envoy with and without its jwt_authn. All send the same requests.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { deployments, answerOf, fleetPlan } from "../fleet.ts";
import { plainPlan, type LoadPlan } from "../load-plan.ts";
import { details, summary, type Measured } from "../matrix.ts";
import { envoyOne, startEnvoy } from "../proxies/envoy.ts";
import { clusterOf, clusters } from "../proxies/envoy-routes.ts";
import type { PeerKind } from "../proxies/peer.ts";
import { sluice, sluiceWith } from "../proxies/sluice.ts";
import { doesTable, restRounds, takeRounds } from "../rounds.ts";
import { startContenders } from "../stage.ts";
import { startUpstream } from "../upstream.ts";
import { isChosen, type Suite, type SuiteOptions } from "./suite.ts";

const issuer = "https://issuer.example";
const audience = "models";
/** More than a worker remembers (10,000): five of six are verified anew. */
const manyClients = 60_000;

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** An ES256 token of this client, for a day. */
function tokenOf(client: string): string {
  const nowS = Math.floor(Date.now() / 1000);
  const text = `${base64({ alg: "ES256", typ: "JWT", kid: "one" })}.${base64({ iss: issuer, aud: audience, sub: client, iat: nowS, exp: nowS + 86_400, scope: "predict" })}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

function keyOf(client: string): string {
  return `api-key-of-${client}`;
}

/** Field lines of so many clients. */
function clients(count: number): readonly string[] {
  return Array.from(
    { length: count },
    (_, index) => `Authorization: Bearer ${tokenOf(`client-${index}`)}\r\nX-Api-Key: ${keyOf(`client-${index}`)}`,
  );
}

function sluiceThatAsks(name: string, does: string, policy: (folder: string) => string): PeerKind {
  return sluiceWith(name, does, ({ folder }) => {
    const file = join(folder, "policy.yaml");
    writeFileSync(file, policy(folder));
    return { serveOptions: ["--policy", file], port: null };
  });
}

const kinds: readonly PeerKind[] = [
  sluice,
  sluiceThatAsks("sluice-keys", "every deployment asks for an API key (1,000 clients)", (folder) => {
    const file = join(folder, "keys");
    writeFileSync(
      file,
      Array.from(
        { length: 1000 },
        (_, index) =>
          `client-${index} sha256:${createHash("sha256")
            .update(keyOf(`client-${index}`))
            .digest("hex")}\n`,
      ).join(""),
    );
    return `defaults: { auth: keys }\nproviders:\n  keys: { kind: api-keys, file: ${JSON.stringify(file)} }\n`;
  }),
  sluiceThatAsks("sluice-tokens", "every deployment asks for an ES256 token", (folder) => {
    const file = join(folder, "jwks.json");
    writeFileSync(file, JSON.stringify(keySet()));
    return `defaults: { auth: corp }\nproviders:\n  corp: { kind: jwt, issuer: "${issuer}", audiences: ${audience}, file: ${JSON.stringify(file)} }\n`;
  }),
  envoyOne,
  {
    name: "envoy-tokens",
    does: "envoy-one with jwt_authn: an ES256 token by a local key set",
    rewrites: false,
    splits: false,
    async start(stage) {
      const first = deployments({ ...stage.fleet, deployments: 1 })[0]!;
      const filter = {
        name: "envoy.filters.http.jwt_authn",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
          providers: {
            corp: { issuer, audiences: [audience], local_jwks: { inline_string: JSON.stringify(keySet()) } },
          },
          rules: [{ match: { prefix: "/" }, requires: { provider_name: "corp" } }],
        },
      };
      return startEnvoy(
        this.name,
        stage,
        { routes: [{ match: { prefix: "/" }, route: { cluster: clusterOf(first.main), timeout: "3s" } }] },
        clusters([first.main]),
        [filter],
      );
    },
  },
];

function keySet(): object {
  return { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" }] };
}

interface Workload {
  readonly title: string;
  readonly clients: number;
  /** Who has no business with so many. */
  readonly without: readonly string[];
}

const workloads: readonly Workload[] = [
  { title: "one client, 64 connections", clients: 1, without: [] },
  { title: "1,000 clients in turn, 64 connections", clients: 1000, without: [] },
  {
    title: `${manyClients} clients in turn: tokens that are verified anew, 64 connections`,
    clients: manyClients,
    without: ["sluice-keys"],
  },
];

async function run(options: SuiteOptions): Promise<string> {
  const upstream = await startUpstream({
    folder: options.folder,
    predictors: ["main", "canary"],
    answer: answerOf,
    realTime: false,
  });
  const fleet = fleetPlan(options, upstream.ports);
  const contenders = await startContenders(kinds, fleet, options, async () => undefined);
  const all: Measured[] = [];
  for (const { title, clients: count, without } of workloads.filter((one) => isChosen(options, one.title))) {
    const plan: LoadPlan = { ...plainPlan(fleet, options), connections: 64, called: "one", fields: clients(count) };
    const able = contenders.filter(({ kind }) => !without.includes(kind.name));
    all.push({
      title,
      contenders: able,
      turns: await takeRounds(able, restRounds(title, options.rounds, plan)),
      timed: false,
    });
  }
  return [
    doesTable(contenders),
    `${options.rounds} rounds. Medians; a ratio is the median of the rounds' ratios, sluice without a policy over the other.`,
    summary(
      all,
      kinds.map(({ name }) => name),
    ),
    ...all.flatMap(details),
  ].join("\n\n");
}

export const callers: Suite = {
  name: "callers",
  does: "CPU time of asking who calls: API keys, tokens that are known and tokens that are verified, beside Envoy",
  deployments: 100,
  run,
};
