// The rollouts that are simulated: of services without a fault, and with faults of several sizes.
import {
  type Behaviour,
  bursts,
  independent,
  latenciesOf,
  type Moment,
  type Service,
  stickyCallers,
} from "./services.ts";

export interface Scenario {
  readonly name: string;
  readonly text: string;
  /** A new one for each run. */
  readonly service: (draw: () => number) => Service;
  /** When the canary is bad; null: never. */
  readonly faultFrom: ((moment: Pick<Moment, "atMs" | "share">) => boolean) | null;
  readonly untilMs: number;
  /** Of the rollouts that are asked for, how many are simulated of this one. */
  readonly part: number;
  /** What may be promoted wrongly, or rolled back wrongly, as a part of all; null: it is shown, and not bounded. */
  readonly bound: number | null;
  /** The same with the decision before this one; "": it was not tried. */
  readonly before: string;
}

const minute = 60_000;
const hour = 60 * minute;
type Of = (moment: Moment) => Behaviour;
const share =
  (failed: number): Of =>
  () => ({ failed });
const usual = share(0.001);

function scenario(name: string, service: Scenario["service"], changes: Partial<Scenario> = {}): Scenario {
  return {
    name,
    text: "canary",
    service,
    faultFrom: null,
    untilMs: hour,
    part: 1,
    bound: 0.01,
    before: "",
    ...changes,
  };
}

function alike(name: string, failed: number, rate: number, changes: Partial<Scenario> = {}): Scenario {
  return scenario(name, () => independent(rate, share(failed), share(failed)), changes);
}

function fault(name: string, canary: Of, main: Of, changes: Partial<Scenario> = {}): Scenario {
  return scenario(name, () => independent(200, canary, main), { faultFrom: () => true, ...changes });
}

const slowAtFirst: Of = ({ canaryBefore }) =>
  canaryBefore < 5 ? { paused: [[1, 0]], latency: latenciesOf(3000, 0.01) } : { failed: 0.001 };
const tail = latenciesOf(20, 1.5);

export const scenarios: readonly Scenario[] = [
  alike("both never fail", 0, 200),
  alike("both fail 0.1 %", 0.001, 200, { before: "0.003 %" }),
  alike("both fail 1 %", 0.01, 200),
  alike("both fail 5 %", 0.05, 200),
  alike("both fail 1 %, 10 requests a second, 8 hours", 0.01, 10, { untilMs: 8 * hour, part: 0.1 }),
  alike("both fail 1 %, 1 of 100 requests to the canary", 0.01, 200, { text: "canary; steps 1%, 100%; every 20m" }),
  scenario("heavy tails: p99 33 times the median", () =>
    independent(
      200,
      () => ({ failed: 0.001, latency: tail }),
      () => ({ failed: 0.001, latency: tail }),
    ),
  ),
  scenario(
    "the first 5 requests of the canary fail",
    () => independent(200, ({ canaryBefore }) => (canaryBefore < 5 ? { failed: 0.3 } : { failed: 0.001 }), usual),
    { before: "100 %" },
  ),
  scenario("the first requests of the canary take 3 s", () => independent(200, slowAtFirst, usual), {
    before: "100 %",
  }),
  scenario(
    "the canary fails 5 times after its second minute, never again; main never fails",
    () => independent(200, ({ atMs }) => ({ failed: atMs === 2 * minute ? 0.25 : 0 }), share(0)),
    { before: "waits for ever" },
  ),
  scenario("sticky: 1 % of 1,000 callers always fail", (draw) => stickyCallers(200, 1000, 0.01, draw), {
    before: "43 %",
  }),
  scenario("sticky: 1 % of 10,000 callers always fail", (draw) => stickyCallers(200, 10_000, 0.01, draw), {
    before: "15 %",
  }),
  scenario(
    "one of main's ten pods and the canary's only pod fail for 3–5 s each 5–10 minutes",
    (draw) => {
      const [canary, main] = [0, 1].map(() => bursts([3000, 5000], [5 * minute, 10 * minute], draw));
      return independent(
        200,
        ({ atMs }) => ({ failed: canary!(atMs) }),
        ({ atMs }) => ({ failed: main!(atMs) / 10 }),
      );
    },
    { before: "38–98 %" },
  ),
  scenario(
    "each of main's ten pods and the canary's only pod fail for 3–5 s each 5–10 minutes",
    (draw) => {
      const pods = Array.from({ length: 11 }, () => bursts([3000, 5000], [5 * minute, 10 * minute], draw));
      return independent(
        200,
        ({ atMs }) => ({ failed: pods[0]!(atMs) }),
        ({ atMs }) => ({ failed: pods.slice(1).reduce((sum, pod) => sum + pod(atMs) / 10, 0) }),
      );
    },
    { before: "38–98 %" },
  ),
  scenario(
    "both fail together for 20 s each 5 minutes",
    (draw) => {
      const both = bursts([20_000, 20_000], [5 * minute, 5 * minute], draw);
      let [last, part] = [0, 0];
      const of: Of = ({ atMs }) => {
        if (atMs !== last) [last, part] = [atMs, both(atMs)];
        return { failed: part };
      };
      return independent(200, of, of);
    },
    { before: "27 %" },
  ),
  scenario(
    "each pod pauses for 0.5–2 s a minute",
    (draw) => {
      const pods = Array.from({ length: 11 }, () => bursts([500, 2000], [minute, minute], draw));
      const of = (part: readonly number[]): Behaviour => ({
        failed: 0.001,
        paused: [[part.reduce((sum, one) => sum + one, 0) / part.length, 1250]],
      });
      return independent(
        200,
        ({ atMs }) => of([pods[0]!(atMs)]),
        ({ atMs }) => of(pods.slice(1).map((pod) => pod(atMs))),
      );
    },
    { before: "16–86 %" },
  ),
  fault("0.1 % → 0.2 %: within the slack", share(0.002), usual, { bound: null, before: "34 %" }),
  fault("0.1 % → 0.5 %", share(0.005), usual),
  fault("0.1 % → 2.1 %", share(0.021), usual, { before: "0 %" }),
  fault("1 % → 2 %", share(0.02), share(0.01), { bound: 0.05 }),
  fault("1 % → 3 %", share(0.03), share(0.01)),
  fault("1 % → 5 %", share(0.05), share(0.01)),
  fault("5 % → 15 %", share(0.15), share(0.05)),
  fault("fails each request", share(1), usual),
  fault("hangs: each request times out after 3 s", () => ({ failed: 1, latency: latenciesOf(3000, 0.01) }), usual),
  fault("refuses each request", () => ({ refused: 1 }), usual, { before: "waits for ever" }),
  fault("refuses 5 %, main none", () => ({ refused: 0.05 }), usual),
  fault("p99 twice main's", () => ({ failed: 0.001, latency: latenciesOf(40) }), usual),
  fault("fast and wrong: agreement 95 %, of at least 99 %", () => ({ agreed: 0.95 }), usual, {
    text: "canary; errors ≤ 1.5x main; agreement ≥ 99%",
  }),
  fault("fails 5 % from the third minute on", ({ atMs }) => ({ failed: atMs > 3 * minute ? 0.05 : 0.001 }), usual, {
    faultFrom: ({ atMs }) => atMs > 3 * minute,
  }),
  fault("fails half from its last step on", (moment) => ({ failed: moment.share === 100 ? 0.5 : 0.001 }), usual, {
    faultFrom: (moment) => moment.share === 100,
    before: "99.6 %",
  }),
  scenario(
    "fails half from its last step on, 5 requests a second, a day",
    () => independent(5, (moment) => ({ failed: moment.share === 100 ? 0.5 : 0.001 }), usual),
    { faultFrom: (moment) => moment.share === 100, untilMs: 24 * hour, part: 0.1 },
  ),
];
