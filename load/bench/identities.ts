// Benchmark of identities: what a verified token costs when it is seen again, alone and among a thousand, and when it is seen for the first time.
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { JwtProvider } from "../../gateway/callers/jwt-provider.ts";
import { readPublicKeys } from "../../gateway/callers/public-keys.ts";
import { systemClock } from "../../gateway/shared/clock.ts";
import { JwtVerifier } from "../../gateway/edge/identity/jwt-verifier.ts";
import { clientFacts } from "../../gateway/edge/message/client-facts.ts";
import { copyOfHead } from "../../gateway/edge/message/head-copy.ts";
import { WireRequestHead, readRequestHead } from "../../gateway/edge/message/request-head.ts";
import type { IdentityRequest } from "../../gateway/edge/identity/verifier.ts";
import { frontWith } from "../../test/gateway/fixtures.ts";

const rounds = 200;
const asksPerRound = 5000;
const limits = { requestLineBytes: 8192, headBytes: 61_440, headFields: 100 };

interface Signer {
  readonly algorithm: "RS256" | "ES256";
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const signers: readonly Signer[] = [
  { algorithm: "RS256", ...generateKeyPairSync("rsa", { modulusLength: 2048 }) },
  { algorithm: "ES256", ...generateKeyPairSync("ec", { namedCurve: "P-256" }) },
];

function tokenOf({ algorithm, privateKey }: Signer, client: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "https://login.example",
    aud: "models",
    sub: client,
    iat: now,
    exp: now + 86_400,
    scope: "openid profile predict",
    email: `${client}@example.com`,
    tenant: "research",
  };
  const text = `${part({ alg: algorithm, typ: "JWT", kid: "bench" })}.${part(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

/** A prediction with this token, its head read once. */
function requestWith(token: string): IdentityRequest {
  const lines = [
    "Host: gateway",
    "User-Agent: bench",
    "Accept: */*",
    "Content-Type: application/json",
    "Content-Length: 70",
    `Authorization: Bearer ${token}`,
  ];
  const bytes = Buffer.from(`POST /seldon/prod/iris/api/v1.0/predictions HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n\0`);
  const head = new WireRequestHead();
  if (readRequestHead(head, bytes, 0, bytes.length - 1, limits) < 0) throw new Error("no request");
  return { head, facts: clientFacts("192.0.2.1", null, frontWith(0)), secure: false };
}

function verifierOf({ algorithm, publicKey }: Signer, claimHeaders: JwtProvider["claimHeaders"] = []): JwtVerifier {
  const read = readPublicKeys(JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "bench" }] }));
  if (read.kind === "refused") throw new Error(read.sentence);
  const rules = {
    kind: "jwt",
    namespaces: [],
    issuer: "https://login.example",
    audiences: ["models"],
    leewaySeconds: 30,
    maxAgeSeconds: null,
    requiredClaims: [{ path: ["scope"], values: ["predict"] }],
  } as const;
  const provider: JwtProvider = {
    ...rules,
    algorithms: [algorithm],
    claimHeaders,
    clientClaim: ["sub"],
    places: [{ kind: "bearer" }],
    forwardsToken: false,
    keysUrl: null,
    keys: read.keys,
  };
  return new JwtVerifier("bench", provider, { clock: systemClock, epochMs: Date.now, askKeys: () => undefined });
}

/** Least ns of one call over many short rounds. */
function leastNs(count: number, perRound: number, ask: (index: number) => void): number {
  let least = Infinity;
  for (let round = 0; round < count; round++) {
    const start = performance.now();
    for (let i = 0; i < perRound; i++) ask(round * perRound + i);
    least = Math.min(least, ((performance.now() - start) * 1e6) / perRound);
  }
  return least;
}

function admitted(verifier: JwtVerifier, request: IdentityRequest): void {
  const admission = verifier.verify(request);
  if (!("kind" in admission) || admission.kind !== "admitted") throw new Error("a good token was not taken");
}

function line(name: string, ns: number, target: string): void {
  console.log(
    `${name.padEnd(64)} ${(ns / 1000).toFixed(3).padStart(9)} µs${target === "" ? "" : `   (target ${target})`}`,
  );
}

export function benchIdentities(): void {
  const signer = signers[0]!;
  const one = requestWith(tokenOf(signer, "client-0"));
  const many = Array.from({ length: 1000 }, (_, index) => requestWith(tokenOf(signer, `client-${index}`)));
  const verifier = verifierOf(signer);
  line(
    "a verified token (RS256) again",
    leastNs(rounds, asksPerRound, () => admitted(verifier, one)),
    "< 1.2",
  );
  for (const request of many) admitted(verifier, request);
  line(
    "a verified token again, 1,000 clients in turn",
    leastNs(rounds, asksPerRound, (index) => admitted(verifier, many[index % many.length]!)),
    "< 2",
  );
  const change = { remove: ["x-user"], add: [["x-user", "client-0"]] as const, removeParameters: [] };
  line(
    "the head copied where a claim becomes a field, beside that",
    leastNs(rounds, asksPerRound, () => void copyOfHead(one.head, change)),
    "",
  );
  for (const by of signers) {
    const first = requestWith(tokenOf(by, "client-0"));
    const fresh = verifierOf(by);
    line(
      `a token seen for the first time, ${by.algorithm}`,
      leastNs(40, 50, () => {
        fresh.forget();
        admitted(fresh, first);
      }),
      "",
    );
  }
}
