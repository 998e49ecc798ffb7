// Who the caller of an explained request would be, by what the request shows.
import type { RouteTable } from "../../routing/table.ts";
import { mayShowCredentials, type CredentialLook, type LookedAt, type ShownRequest } from "../callers/shown.ts";
import { throughFront } from "./explanation-front.ts";
import { explain, type ExplainRequest, type ExplainWith, type Explanation } from "./explanation.ts";
import type { NamedCaller } from "../callers/words.ts";
import { sharePassedOn, type Refusal, type Way } from "./ways.ts";

/** Looks at credentials; a text: why nobody does. */
export type Looker = CredentialLook | string;

/** The explanation of a request, and who its caller would be where it shows a credential. */
export async function explainShown(
  table: RouteTable<null>,
  sent: ExplainRequest,
  parts: ExplainWith,
  looker: () => Promise<Looker>,
): Promise<Explanation> {
  const explanation = explain(table, sent, parts);
  const seen = throughFront(sent, table.settings.front);
  const shows = "path" in seen && mayShowCredentials(seen, parts.policy);
  const asked = [...new Set(explanation.ways.flatMap(({ asks }) => asks))];
  const answers =
    !shows || asked.length === 0 ? new Map<string, LookedAt>() : await lookAt(seen, asked, parts, await looker());
  const caller = explanation.ways.map((way) => admittedOf(way, answers)).find((one) => one !== null) ?? parts.as;
  return {
    ...explanation,
    sticky: caller === parts.as ? explanation.sticky : explain(table, sent, { ...parts, as: caller }).sticky,
    ways: explanation.ways.map((way) => {
      if (way.role === "shadow") return way;
      const caller = admittedOf(way, answers) ?? parts.as;
      return {
        ...way,
        caller,
        refuses: caller === null ? callersRefusal(way, shows ? answers : null, parts) : null,
        callers: shows ? [...way.callers, shownText(way, answers)] : way.callers,
      };
    }),
  };
}

function admittedOf({ asks }: Way, answers: ReadonlyMap<string, LookedAt>): NamedCaller | null {
  for (const provider of asks) {
    const answer = answers.get(provider);
    if (answer?.kind === "admitted") return { provider, client: answer.client };
  }
  return null;
}

/** `answers` null: the request shows nothing. A certificate of the client is not known here, so nothing is said of callers who may show one. */
function callersRefusal(
  { asks, callers, steps }: Way,
  answers: ReadonlyMap<string, LookedAt> | null,
  { policy }: Pick<ExplainWith, "policy">,
): Refusal | null {
  if (callers.includes(sharePassedOn)) return null;
  const nobody = callers.find((words) => words.startsWith("nobody: "));
  if (nobody !== undefined) {
    const sentence = nobody.slice("nobody: ".length);
    const known = sentence.startsWith("the list of addresses")
      ? (["addresses"] as const)
      : (["identity", "external-auth"] as const);
    return { step: known.find((one) => steps.includes(one)) ?? "module-addresses", sentence };
  }
  const isUnknown = (name: string): boolean =>
    policy.providers[name]?.kind === "mtls" || (answers?.get(name)?.kind ?? "absent") === "not-looked";
  if (asks.length === 0 || asks.some(isUnknown)) return null;
  return { step: "identity", sentence: `the request has no good credential for ${asks.join(" or ")}` };
}

async function lookAt(
  request: ShownRequest,
  names: readonly string[],
  { policy, unread }: Pick<ExplainWith, "policy" | "unread">,
  looker: Looker,
): Promise<ReadonlyMap<string, LookedAt>> {
  const answers = new Map<string, LookedAt>();
  for (const name of names) {
    const why = unread.has(name) ? "its Secret is not among what was read" : looker;
    answers.set(
      name,
      typeof why === "string" ? { kind: "not-looked", sentence: why } : await why.look(request, name, policy),
    );
  }
  return answers;
}

function shownText({ asks, steps }: Way, answers: ReadonlyMap<string, LookedAt>): string {
  const others = steps.includes("external-auth") ? "; the AuthService was not asked" : "";
  if (asks.length === 0) return `what the request shows was not looked at, as no provider is asked${others}`;
  const all = asks.map((name) => ({ name, answer: answers.get(name)! }));
  for (const { name, answer } of all)
    if (answer.kind === "admitted") return `the request shows ${answer.client} of ${name}, who may call${others}`;
  const unknown = all.some(({ answer }) => answer.kind === "not-looked");
  const reasons = all.map(({ name, answer }) => `${name}: ${reasonOf(answer)}`).join("; ");
  return unknown
    ? `it is not known whether what the request shows lets it in (${reasons})`
    : `what the request shows does not let it in (${reasons})`;
}

function reasonOf(answer: LookedAt): string {
  switch (answer.kind) {
    case "admitted":
      return `it is ${answer.client}`;
    case "absent":
      return "it shows nothing";
    case "refused":
      return answer.sentence;
    case "not-looked":
      return `it was not looked at, as ${answer.sentence}`;
  }
}
