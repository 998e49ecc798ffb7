// Whether a gate is kept, as evidence says it.
//
// Broken is a claim: the chance that a rollout whose gates all hold is ended is at most `falseRollBack`, over all of its looks, gates, steps and windows together (Bonferroni). Each bound has an equal part in
// each step, half for the whole step and half for its windows, of which window w has 1/(w(w+1)). Where callers are known, they must say so, too, each as one. Kept is a claim, too: by the estimate, and after
// the requests that show a fault of twice the bound.
import { type ArmCounts, addedCounts } from "../statistics/arm-counts.ts";
import { byCallers } from "../statistics/callers.ts";
import { type Excess, addedExcess, logEvidence, looksWanted, noExcess, excessOf } from "../statistics/excess.ts";
import { normalBelow } from "../statistics/means.ts";
import { formatPercent } from "../grammar/quantities.ts";
import { addedEvidence, type Evidence } from "./evidence.ts";
import { factsOf, formatGate, type Gate, isLeast, type Question, questionsOf, shareOf } from "./gates.ts";
import type { RolloutPlan } from "./plan.ts";
import type { Stepping } from "./state.ts";

/** The chance that a rollout of which every gate holds is rolled back. */
export const falseRollBack = 0.01;

/** No gate is broken by fewer requests of the canary, or compared answers, or rewards. */
const minBroken = 20;
/** Fewer looks beyond a bound are bursts, and no rate, unless they are most of the looks. */
const minBeyond = 5;
/** Looks of a window: two minutes. */
const windowLooks = 12;
/** Above this clustering failures belong to few callers: then a bound is kept unless callers say with `overByCallers` that it is not. */
const clustered = 3;
const overByCallers = 1.645;
/** So many standard deviations are no chance, if each request stands for itself. */
const byRequests = 4;

export interface GateStanding {
  readonly gate: Gate;
  /** `kept`: as far as was counted; `undecided`: over its bound, and not proven to be, or too little was counted. */
  readonly standing: "kept" | "broken" | "undecided";
  readonly sentence: string;
  /** What is missing before it is kept, as "320 more requests to canary"; null: nothing. */
  readonly waitsFor: string | null;
}

/** Main gets no traffic in the last step: what it did before stands for it. */
export function isAlone({ steps }: RolloutPlan, { step }: Stepping): boolean {
  return steps[step] === 100;
}

export interface Judged {
  readonly state: Stepping;
  readonly isBroken: boolean;
  /** Where each gate stands, in words: most looks end without anybody reading them. */
  readonly gates: () => readonly GateStanding[];
}

/** The same state with what one look added once the canary is warm (null: it is not), and where each gate stands then. */
export function judged(plan: RolloutPlan, before: Stepping, added: Evidence | null): Judged {
  const whole = added === null ? before.whole : addedEvidence(before.whole, added);
  const main = addedCounts(before.before, whole.main);
  const asked = plan.gates.map((gate) => questionsOf(gate, main));
  const alone = isAlone(plan, before);
  const excesses = asked.flat().map((question) => {
    if (added === null) return noExcess;
    const mainShare = alone && question.times > 0 ? shareOf(question.measure(before.before)) : null;
    return excessOf(question, question.measure(added.canary), question.measure(added.main), mainShare);
  });
  const grown = (some: readonly Excess[]): readonly Excess[] =>
    excesses.map((excess, at) => addedExcess(some[at] ?? noExcess, excess));
  const { window, looks, requests } = before.recent;
  const isFull = looks >= windowLooks;
  const state: Stepping = {
    ...before,
    whole,
    excesses: grown(before.excesses),
    recent: {
      window: isFull ? window + 1 : window,
      looks: (isFull ? 0 : looks) + (excesses.some((excess) => excess.looks > 0) ? 1 : 0),
      requests: (isFull ? 0 : requests) + (added?.canary.requests ?? 0),
      excesses: grown(isFull ? [] : before.recent.excesses),
    },
  };
  const part = falseRollBack / (plan.steps.length * excesses.length);
  let at = 0;
  const answers = asked.map((questions) =>
    questions.map((question) => answered(plan, state, question, at++, main, part)),
  );
  return {
    state,
    isBroken: answers.flat().some(({ brokenWhen }) => brokenWhen !== null),
    gates: () => plan.gates.map((gate, index) => standingOf(plan, gate, state, main, answers[index]!)),
  };
}

function standingOf(
  plan: RolloutPlan,
  gate: Gate,
  state: Stepping,
  main: ArmCounts,
  answers: readonly Answer[],
): GateStanding {
  const beside = isAlone(plan, state) ? main : state.whole.main;
  const { counted, sentence } = factsOf(gate, plan.to, state.whole.canary, beside);
  const beyond = isLeast(gate) ? "under" : "over";
  const broken = answers.find(({ brokenWhen }) => brokenWhen !== null);
  if (broken !== undefined) {
    const said = `${sentence} That is ${beyond} ${broken.question.text()} ${broken.brokenWhen!}, and not by chance.`;
    return { gate, standing: "broken", sentence: said, waitsFor: null };
  }
  const missing = missingOf(plan, answers, counted);
  if (missing !== null) return { gate, standing: "undecided", sentence, waitsFor: missing };
  const over = answers.find(({ isOver }) => isOver());
  if (over === undefined)
    return { gate, standing: "kept", sentence: `${sentence}${seenBy(answers[0]!)}`, waitsFor: null };
  const bound = formatGate({ ...gate, ...(over.question.times === 0 ? { times: null } : { value: null }) });
  const said = `${sentence} That is ${beyond} ${over.question.text()}${over.whyNotBroken()}`;
  return { gate, standing: "undecided", sentence: said, waitsFor: `${bound}${untilWithin(over)}` };
}

/** What is known of one question. */
interface Answer {
  readonly question: Question;
  readonly excess: Excess;
  /** Requests, rewards or what else it counts, of the canary and of main. */
  readonly counted: readonly [canary: number, main: number];
  /** "in this step", "lately"; null: it is not broken. */
  readonly brokenWhen: string | null;
  readonly isOver: () => boolean;
  /** The end of a sentence that says how much it is over its bound: why it is not broken yet. */
  readonly whyNotBroken: () => string;
}

function answered(
  plan: RolloutPlan,
  state: Stepping,
  question: Question,
  at: number,
  main: ArmCounts,
  part: number,
): Answer {
  const { whole, recent, before } = state;
  const alone = isAlone(plan, state);
  const excess = state.excesses[at] ?? noExcess;
  const lately = recent.excesses[at] ?? noExcess;
  const { total } = question.measure(whole.canary);
  const needed = Math.log(2 / part);
  const recentNeeded = needed + Math.log(recent.window * (recent.window + 1));
  const mainShare = alone ? shareOf(question.measure(before)) : null;
  const callers = once(() =>
    question.byCaller === null
      ? null
      : byCallers(question.byCaller, question, state.whole.canary, state.whole.main, mainShare),
  );
  const uncertain = uncertaintyOf(question, alone, main);
  const isBroken = (of: Excess, requests: number, enough: number): boolean =>
    requests >= minBroken &&
    logEvidence(of, uncertain * of.weight ** 2) >= enough &&
    normalBelow(-(callers()?.deviate ?? Infinity)) <= part;
  const whyNotBroken = (): string => {
    if (excess.sum < byRequests * Math.sqrt(excess.noise + uncertain * excess.weight ** 2))
      return ", perhaps by chance.";
    if (normalBelow(-(callers()?.deviate ?? Infinity)) > part)
      return ". A roll-back needs to see it of more callers: a few may be the reason.";
    const wanted = looksWanted(excess, uncertain, needed);
    return wanted === null
      ? ". Looks differ too much for a roll-back: bursts may be the reason."
      : `. A roll-back needs about ${wanted} looks of 10 s like these, and has ${excess.looks}.`;
  };
  const isFewLooks = (): boolean =>
    question.allowed !== null && excess.beyond < minBeyond && excess.beyond * 2 < excess.looks;
  const isFewCallers = (): boolean => {
    const found = callers();
    return found !== null && found.clustering >= clustered && found.deviate <= overByCallers;
  };
  return {
    question,
    excess,
    counted: [total, question.measure(alone ? before : whole.main).total],
    brokenWhen: isBroken(excess, total, needed)
      ? "in this step"
      : isBroken(lately, recent.requests > 0 ? Math.min(recent.requests, total) : total, recentNeeded)
        ? "lately"
        : null,
    isOver: () => excess.cut > 0 && !isFewLooks() && !isFewCallers(),
    whyNotBroken,
  };
}

/** Variance of what is asked, for one request, where main's counts are not in the looks: what it did before, or its quantile. */
function uncertaintyOf({ times, allowed, byCaller, measure }: Question, alone: boolean, main: ArmCounts): number {
  const { total, sum, squares } = measure(main);
  if (times === 0 || total === 0 || (!alone && (allowed === null || byCaller !== null))) return 0;
  return allowed === null
    ? (times ** 2 * Math.max(0, squares - sum ** 2 / total)) / total ** 2
    : (times * allowed) / total;
}

/** What must be counted before a gate may be called kept; null: nothing. */
function missingOf(plan: RolloutPlan, answers: readonly Answer[], unit: string): string | null {
  const wanted = unit === "rewards" ? plan.minRewards : plan.minRequests;
  for (const {
    question,
    counted: [canary, main],
    excess,
  } of answers) {
    if (canary < wanted) return `${wanted - canary} more ${unit} of ${plan.to}`;
    if (question.times > 0 && main < wanted) return `${wanted - main} more ${unit} of main`;
    // Of a fault of twice the bound two are then expected, of the bound one.
    const visible = question.allowed === null ? 0 : 1 / question.allowed - excess.weight;
    if (visible > 0)
      return `${requestsOf(visible, excess, canary)} more ${unit} of ${plan.to}, to see ${question.text()}`;
  }
  return null;
}

/** So much weight as requests of the canary. */
function requestsOf(weight: number, excess: Excess, canary: number): number {
  return excess.weight > 0 ? Math.ceil((weight * canary) / excess.weight) : Math.ceil(weight);
}

function untilWithin({ question: { allowed }, excess, counted: [canary] }: Answer): string {
  return allowed === null
    ? " in mean"
    : `: about ${requestsOf(excess.cut / allowed, excess, canary)} more requests if all are good`;
}

/** What the step could see: a share that would be over the bound in 95 of 100 steps like this one. */
function seenBy({ question: { allowed }, excess, counted: [canary] }: Answer): string {
  if (allowed === null) return "";
  const bad = ((overByCallers + Math.sqrt(overByCallers ** 2 + 4 * (allowed * excess.weight + 1))) / 2) ** 2;
  return ` With ${canary} of them a fault under ${formatPercent(Number(Math.min(1, bad / excess.weight).toPrecision(2)))} is not seen.`;
}

function once<T>(made: () => T): () => T {
  let found: { readonly value: T } | null = null;
  return () => (found ??= { value: made() }).value;
}
