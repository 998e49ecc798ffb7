// The provider `basic` at work in a data worker: user and password (RFC 7617), compared by hashes, and remembered for a while by a keyed hash.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { fieldNamed, standsFoldedAt } from "../../../routing/request/bytes.ts";
import { clientName } from "../../callers/client-name.ts";
import type { BasicProvider } from "../../callers/providers/basic.ts";
import type { PasswordHash } from "../../callers/providers/passwords.ts";
import { withhold } from "../message/withheld.ts";
import { askerOf } from "./asker.ts";
import type { PasswordChecks } from "./password-checks.ts";
import { VerifiedTokens } from "./verified-tokens.ts";
import {
  absent,
  got,
  type Admission,
  type IdentityRequest,
  type Refused,
  Verifier,
  type VerifierWorld,
} from "./verifier.ts";

/** Of one provider in one worker. */
export const basicBounds = {
  /** Pairs that are remembered, right ones and wrong ones apart, and twice as many at most. */
  pairs: 10_000,
  /** So long. */
  rightMs: 300_000,
  wrongMs: 5_000,
  /** Of the credentials in base64. */
  credentialBytes: 1024,
  /** bcrypt reads no more of a password. */
  passwordBytes: 72,
} as const;

const scheme = "basic ";
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class BasicVerifier extends Verifier {
  readonly #name: string;
  readonly #forwards: boolean;
  readonly #users: Readonly<Record<string, PasswordHash>> | null;
  readonly #checks: Pick<PasswordChecks, "compare">;
  readonly #epochMs: () => number;
  /** Of the hashes by which pairs are remembered: nobody outside can find two of one hash. */
  readonly #key = randomBytes(32);
  readonly #right = new VerifiedTokens<Admission>({ tokens: basicBounds.pairs, bytes: Infinity });
  readonly #wrong = new VerifiedTokens<true>({ tokens: basicBounds.pairs, bytes: Infinity });
  /** What the password of an unknown user is compared with, so that it takes as long as that of a known one. */
  readonly #nobody: PasswordHash;
  readonly challenges: readonly string[];

  constructor(
    name: string,
    provider: BasicProvider,
    { passwords, epochMs }: Pick<VerifierWorld, "passwords" | "epochMs">,
  ) {
    super();
    this.#name = name;
    this.#forwards = provider.forwardsCredentials;
    this.#users = provider.users;
    this.#checks = passwords;
    this.#epochMs = epochMs;
    this.#nobody = nobodyOf(Object.values(provider.users ?? {}));
    this.challenges = [`Basic realm="${name}", charset="UTF-8"`];
  }

  verify(request: IdentityRequest): Admission | Promise<Admission> {
    const { head } = request;
    const field = fieldNamed(head, "authorization", 0);
    if (field < 0) return absent;
    if (fieldNamed(head, "authorization", field + 1) >= 0)
      return refused("the request has several fields authorization: send one");
    const start = head.fields[field * 4 + 2]!;
    const end = head.fields[field * 4 + 3]!;
    if (end - start < scheme.length || !standsFoldedAt(head.bytes, start, scheme)) return absent;
    if (this.#users === null) return unknownUsers(this.#name);
    if (end - start > basicBounds.credentialBytes)
      return refused(`the credentials have more than ${basicBounds.credentialBytes} bytes`);
    const text = Buffer.from(head.bytes.subarray(start + scheme.length, end))
      .toString("latin1")
      .trimStart();
    const digest = createHmac("sha256", this.#key).update(text).digest();
    const nowMs = this.#epochMs();
    const known = this.#right.find(digest, 0, digest.length, nowMs);
    if (known !== null) return this.#admit(request, field, known);
    if (this.#wrong.find(digest, 0, digest.length, nowMs) !== null) return isWrong;
    const pair = pairOf(text);
    if (typeof pair === "string") return refused(pair);
    const matches = this.#matches(this.#users, pair.user, pair.password, request);
    if (typeof matches === "boolean") return this.#judged(request, field, digest, pair.user, matches);
    return matches.then((compared) =>
      compared === null ? isBusy : this.#judged(request, field, digest, pair.user, compared),
    );
  }

  #matches(
    users: Readonly<Record<string, PasswordHash>>,
    user: string,
    password: string,
    request: IdentityRequest,
  ): boolean | Promise<boolean | null> {
    const known = Object.hasOwn(users, user);
    const hash = known ? users[user]! : this.#nobody;
    if (hash.kind === "bcrypt")
      return this.#checks
        .compare(password, hash.text, askerOf(request))
        .then((matches) => (matches === null ? null : matches && known));
    const digest = createHash("sha1").update(password).digest();
    return timingSafeEqual(digest, Buffer.from(hash.text, "base64")) && known;
  }

  #judged(request: IdentityRequest, field: number, digest: Buffer, user: string, matches: boolean): Admission {
    const nowMs = this.#epochMs();
    const client = matches ? clientName(user) : null;
    if (client === null) {
      this.#wrong.keep(digest, 0, digest.length, nowMs + basicBounds.wrongMs, true);
      return isWrong;
    }
    const admission = Object.freeze({
      kind: "admitted",
      caller: Object.freeze({ provider: this.#name, client }),
      change: null,
    } as const);
    this.#right.keep(digest, 0, digest.length, nowMs + basicBounds.rightMs, admission);
    return this.#admit(request, field, admission);
  }

  #admit({ head }: IdentityRequest, field: number, admission: Admission): Admission {
    if (!this.#forwards) withhold(head, field);
    return admission;
  }
}

function refused(sentence: string): Refused {
  return Object.freeze({
    kind: "refused",
    got: got.form,
    as: "unauthenticated",
    sentence,
    retryAfterSeconds: 0,
    challenge: null,
  });
}

function unknownUsers(name: string): Refused {
  return Object.freeze({
    kind: "refused",
    got: got.form,
    as: "unavailable",
    sentence: `the users of the provider ${name} are not known yet: nobody can be let in`,
    retryAfterSeconds: 5,
    challenge: null,
  });
}

const isWrong = refused("user or password is wrong");
const isBusy: Refused = Object.freeze({
  kind: "refused",
  got: got.form,
  as: "unavailable",
  sentence: "too many passwords wait to be compared: try again in a second",
  retryAfterSeconds: 1,
  challenge: null,
});

/** User and password; a text: why there are none. */
function pairOf(text: string): { readonly user: string; readonly password: string } | string {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64").replace(/=+$/, "") !== text.replace(/={1,2}$/, ""))
    return "the credentials are no base64";
  let pair;
  try {
    pair = utf8.decode(bytes);
  } catch {
    return "the credentials are no UTF-8";
  }
  const colon = pair.indexOf(":");
  if (colon < 0) return "the credentials have no colon between user and password";
  // RFC 7617 §2: neither of them holds control characters.
  if (/\p{Cc}/u.test(pair)) return "the credentials hold control characters";
  const [user, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  return Buffer.byteLength(password) > basicBounds.passwordBytes
    ? `the password has more than ${basicBounds.passwordBytes} bytes`
    : { user, password };
}

/** Like the dearest hash of the users: no password has it. */
function nobodyOf(hashes: readonly PasswordHash[]): PasswordHash {
  let cost = 0;
  for (const hash of hashes) if (hash.kind === "bcrypt") cost = Math.max(cost, hash.cost);
  if (cost === 0) return { kind: "sha1", text: Buffer.alloc(20).toString("base64") };
  return { kind: "bcrypt", cost, text: `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}` };
}
