// What a request that is explained shows, looked at by the verifiers of the data plane: nothing is sent, and nothing is counted.
import { noPolicy, type CallPolicy } from "../../callers/call-policy.ts";
import type { CredentialLook, LookedAt, ShownRequest } from "../../callers/shown.ts";
import { systemClock, type Clock } from "../../shared/clock.ts";
import { defaultLimits } from "../../options/limits.ts";
import { frontOf } from "../io/front.ts";
import { clientFacts } from "../message/client-facts.ts";
import { WireRequestHead, readRequestHead } from "../message/request-head.ts";
import { Callers } from "./callers.ts";
import type { Admission } from "./verifier.ts";

/** A dear password hash, of several that wait, takes so long at most, ms. */
const lookMs = 10_000;
/** Longest head that is looked at, bytes; there is no other bound on its parts. */
const mostHeadBytes = 131_072;
const limits = { requestLineBytes: mostHeadBytes, headBytes: mostHeadBytes, headFields: 1000 };
const front = frontOf({ trustedHops: 0, connectionIdleWritten: false, limits: defaultLimits }, null);

export class ShownCredentials implements CredentialLook {
  readonly #callers: Callers;

  constructor(clock: Clock = systemClock) {
    // New keys are not asked for: one that is not there is not known.
    this.#callers = new Callers(
      noPolicy,
      {
        clock,
        epochMs: Date.now,
        askKeys: (provider) => queueMicrotask(() => this.#callers.keysLooked(provider)),
      },
      { add: () => undefined },
    );
  }

  async look(request: ShownRequest, provider: string, policy: CallPolicy): Promise<LookedAt> {
    if (this.#callers.policy !== policy) this.#callers.setPolicy(policy);
    const verifier = this.#callers.verifierOf(provider);
    if (verifier.unexplained !== null) return { kind: "not-looked", sentence: verifier.unexplained };
    const head = headOf(request);
    if (head === null) return { kind: "not-looked", sentence: "the request is not one that can be sent" };
    const admission = await inTime(
      verifier.verify({ head, facts: clientFacts("127.0.0.1", null, front), secure: false }),
    );
    switch (admission.kind) {
      case "admitted":
        return { kind: "admitted", client: admission.caller.client };
      case "absent":
        return admission;
      case "refused":
        return { kind: "refused", sentence: admission.sentence };
    }
  }

  close(): void {
    this.#callers.close();
  }
}

/** Passwords are compared in a thread that keeps no process alive, so the alarm does. */
async function inTime(admission: Admission | Promise<Admission>): Promise<Admission> {
  if (!(admission instanceof Promise)) return admission;
  let alarm: NodeJS.Timeout | undefined;
  const late = new Promise<Admission>((resolve) => {
    alarm = setTimeout(() => resolve(tooLate), lookMs);
  });
  try {
    return await Promise.race([admission, late]);
  } finally {
    clearTimeout(alarm);
  }
}

const tooLate: Admission = Object.freeze({
  kind: "refused",
  got: 0,
  as: "unavailable",
  sentence: `it was not known in ${lookMs / 1000} s`,
  retryAfterSeconds: 0,
  challenge: null,
});

/** The head as HTTP/1.1 carries it; null: it has no such form. What was read of it stands in bytes of its own. */
function headOf({ method, host, path, headers }: ShownRequest): WireRequestHead | null {
  const fields = headers.filter(([name]) => !/^(?:host|content-length|transfer-encoding)$/i.test(name));
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  if (lines.some((line) => /[\r\n\0]/.test(line))) return null;
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n\0`, "utf8");
  const head = new WireRequestHead();
  return readRequestHead(head, bytes, 0, bytes.length - 1, limits) === bytes.length - 1 ? head : null;
}
