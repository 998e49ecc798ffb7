// The provider `jwt` at work in a data worker: finds the token, knows it again or judges it, and waits a moment for keys that are new.
import { isDeepStrictEqual } from "node:util";
import type { JwtProvider } from "../../callers/providers/jwt.ts";
import type { Provider } from "../../callers/providers/kinds.ts";
import type { Alarm } from "../../shared/clock.ts";
import type { HeadChange } from "../message/head-copy.ts";
import { withhold } from "../message/withheld.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { cookieWithout } from "./cookie.ts";
import { judgeJwt, mostTokenBytes } from "./jwt.ts";
import { Keyring } from "./keyring.ts";
import { FoundToken, findToken } from "./token-finder.ts";
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
export const jwtBounds = {
  /** Verified tokens that are remembered, and twice as many at most. */
  tokens: 10_000,
  tokenBytes: 8 * 1024 * 1024,
  /** Requests that wait for keys. */
  waiting: 256,
  /** So long. */
  waitMs: 1500,
  /** Keys are asked for once in so long. */
  askMs: 1000,
} as const;

type KeyAsker = Pick<VerifierWorld, "clock" | "epochMs" | "askKeys">;

/** A token that was verified: who it is, by place. Made once a token. */
interface Known {
  readonly admission: Admission;
  /** As it stands in the query, where the parameter goes. */
  readonly fromQuery: Admission;
  readonly change: HeadChange | null;
  readonly client: string;
}

export class JwtVerifier extends Verifier {
  readonly #name: string;
  readonly #asker: KeyAsker;
  #provider: JwtProvider;
  /** null: its keys were never got. */
  #keyring: Keyring | null;
  readonly #verified = new VerifiedTokens<Known>({ tokens: jwtBounds.tokens, bytes: jwtBounds.tokenBytes });
  readonly #found = new FoundToken();
  /** Requests that wait for keys. */
  readonly #waiting = new Set<() => void>();
  #askedAtMs = -Infinity;
  /** Keys were asked for, and nobody has said yet whether there are new ones. */
  #asked = false;
  readonly challenge: string;
  readonly challenges: readonly string[];

  constructor(name: string, provider: JwtProvider, asker: KeyAsker) {
    super();
    this.#name = name;
    this.#asker = asker;
    this.#provider = provider;
    this.#keyring = keyringOf(provider);
    this.challenge = `Bearer realm="${name}"`;
    this.challenges = [this.challenge];
  }

  /** Tokens that are remembered. */
  get remembered(): number {
    return this.#verified.count;
  }

  /** Every token is verified again. */
  forget(): void {
    this.#verified.clear();
  }

  override get fields(): readonly string[] {
    return this.#provider.claimHeaders.map(({ name }) => name);
  }

  override get unexplained(): string | null {
    const { keys, keysUrl } = this.#provider;
    return keys === null && keysUrl !== null ? `its keys at ${keysUrl} are not known here` : null;
  }

  /** New keys or none: who waits for keys looks again. Tokens of a key that went are verified again, and no more. */
  override take(provider: Provider): boolean {
    if (provider.kind !== "jwt") return false;
    const before = this.#provider;
    this.#provider = provider;
    if (!isDeepStrictEqual(before.keys, provider.keys)) this.#keyring = keyringOf(provider);
    if (!isDeepStrictEqual({ ...before, keys: null }, { ...provider, keys: null }) || lost(before, provider))
      this.forget();
    this.keysLooked();
    return true;
  }

  override keysLooked(): void {
    this.#asked = false;
    for (const wake of this.#waiting) wake();
  }

  verify(request: IdentityRequest): Admission | Promise<Admission> {
    const { head } = request;
    const found = this.#found;
    const count = findToken(head, this.#provider.places, found);
    if (count === 0) return absent;
    if (count > 1)
      return this.#refuse(
        got.form,
        "unauthenticated",
        "invalid_request",
        "the request holds several tokens: send one, in one place",
      );
    const known = this.#verified.find(found.bytes, found.start, found.end, this.#asker.epochMs());
    if (known !== null) return this.#admit(head, found, known);
    return this.#verifyAnew(request, found);
  }

  #admit(head: WireRequestHead, found: FoundToken, known: Known): Admission {
    if (found.place === "query") return known.fromQuery;
    if (this.#provider.forwardsToken) return known.admission;
    if (found.place === "cookie") return this.#withoutCookie(head, known);
    withhold(head, found.field);
    return known.admission;
  }

  #withoutCookie(head: WireRequestHead, { change, client }: Known): Admission {
    const cookies = this.#provider.places.flatMap((place) => (place.kind === "cookie" ? [place.name] : []));
    const rest = cookieWithout(head, cookies);
    const add = rest === "" ? [] : [["cookie", rest] as const];
    const changed = {
      remove: ["cookie", ...(change?.remove ?? [])],
      add: [...add, ...(change?.add ?? [])],
      removeParameters: change?.removeParameters ?? [],
    };
    return { kind: "admitted", caller: { provider: this.#name, client }, change: changed };
  }

  #verifyAnew(request: IdentityRequest, found: FoundToken): Admission | Promise<Admission> {
    const keyring = this.#keyring;
    // One byte more says that it is too long.
    const text = Buffer.from(found.bytes.subarray(found.start, Math.min(found.end, found.start + mostTokenBytes + 1)));
    const verdict = this.#judge(text, keyring);
    if (verdict.kind === "no-keys") {
      this.#ask();
      return this.#unavailable();
    }
    if (verdict.kind !== "unknown-key")
      return verdict.kind === "known" ? this.#admit(request.head, found, verdict.known) : verdict;
    if (!this.#ask() || this.#waiting.size >= jwtBounds.waiting) return this.#unknownKey();
    const { place, field } = found;
    return this.#keysOrTime().then(() => {
      const again = this.#judge(text, this.#keyring);
      if (again.kind === "unknown-key") return this.#unknownKey();
      if (again.kind === "no-keys") return this.#unavailable();
      if (again.kind !== "known") return again;
      // Others were looked for meanwhile.
      found.place = place;
      found.field = field;
      return this.#admit(request.head, found, again.known);
    });
  }

  /** What is known of the token, which is kept. */
  #judge(
    text: Buffer,
    keyring: Keyring | null,
  ):
    | { readonly kind: "known"; readonly known: Known }
    | Refused
    | { readonly kind: "unknown-key" }
    | { readonly kind: "no-keys" } {
    const verdict = judgeJwt(text.toString("latin1"), this.#provider, keyring, this.#asker.epochMs());
    switch (verdict.kind) {
      case "unknown-key":
      case "no-keys":
        return verdict;
      case "refused":
        return this.#refuse(
          verdict.got,
          verdict.error === "insufficient_scope" ? "forbidden" : "unauthenticated",
          verdict.error,
          verdict.sentence,
        );
      case "verified": {
        const known = this.#knownOf(verdict.client, verdict.fields);
        this.#verified.keep(text, 0, text.length, verdict.endMs, known);
        return { kind: "known", known };
      }
    }
  }

  #knownOf(client: string, add: HeadChange["add"]): Known {
    const { claimHeaders, places } = this.#provider;
    const caller = Object.freeze({ provider: this.#name, client });
    const removeParameters = places.flatMap((place) => (place.kind === "query" ? [place.name] : []));
    // Also where the token has no such claim: the model must not take a client's word for it.
    const remove = claimHeaders.map(({ name }) => name);
    const change = remove.length === 0 ? null : Object.freeze({ remove, add, removeParameters: [] });
    return {
      admission: Object.freeze({ kind: "admitted", caller, change }),
      fromQuery:
        removeParameters.length === 0
          ? absent
          : Object.freeze({ kind: "admitted", caller, change: Object.freeze({ remove, add, removeParameters }) }),
      change,
      client,
    };
  }

  /** False: they are not asked for again so soon, or there is nobody to ask. */
  #ask(): boolean {
    if (this.#provider.keysUrl === null) return false;
    const nowMs = this.#asker.clock.now();
    if (nowMs - this.#askedAtMs < jwtBounds.askMs) return this.#asked;
    this.#askedAtMs = nowMs;
    this.#asked = true;
    this.#asker.askKeys(this.#name);
    return true;
  }

  /** Resolves when keys were looked for, or at the end of the wait. */
  #keysOrTime(): Promise<void> {
    return new Promise((resolve) => {
      let alarm: Alarm | null = null;
      const wake = (): void => {
        alarm?.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      alarm = this.#asker.clock.after(jwtBounds.waitMs, wake);
      this.#waiting.add(wake);
    });
  }

  #unknownKey(): Refused {
    const { issuer } = this.#provider;
    return this.#refuse(
      got.issuer,
      "unauthenticated",
      "invalid_token",
      `the token is signed with a key that ${issuer} does not publish: get a new token, or try again in some seconds if the key is new`,
    );
  }

  #unavailable(): Refused {
    const sentence = `the keys of the provider ${this.#name} are not known yet: nobody can be let in`;
    return Object.freeze({
      kind: "refused",
      got: got.issuer,
      as: "unavailable",
      sentence,
      retryAfterSeconds: 5,
      challenge: null,
    });
  }

  #refuse(how: number, as: Refused["as"], error: string, sentence: string): Refused {
    const description = sentence.replace(/[^ !#-[\]-~]/g, "'");
    return {
      kind: "refused",
      got: how,
      as,
      sentence,
      retryAfterSeconds: 0,
      challenge: `${this.challenge}, error="${error}", error_description="${description}"`,
    };
  }
}

function keyringOf({ keys }: JwtProvider): Keyring | null {
  return keys === null ? null : new Keyring(keys);
}

/** A key that verified is among its keys no more. */
function lost(before: JwtProvider, after: JwtProvider): boolean {
  const stays = new Set((after.keys ?? []).map((key) => JSON.stringify(key)));
  return (before.keys ?? []).some((key) => !stays.has(JSON.stringify(key)));
}
