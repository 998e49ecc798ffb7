// Benchmark of compared shadows: pairs of JSON answers a second of one core, as the comparing thread judges them.
import { Comparison, type AnsweredPair } from "../../routing/release/compare/comparison.ts";
import { plainRules } from "../../routing/release/compare/rules.ts";

const rounds = 20;
const bytesPerRound = 4_000_000;

/** An answer of Seldon with `rows` rows of three outputs, each a little apart from the other's. */
function answerOf(rows: number, apart: number, puid: string): Buffer {
  const ndarray = Array.from({ length: rows }, (_, row) => [0.123_456_789 + row * 1e-3 + apart, 0.3, 0.576_543_2]);
  return Buffer.from(
    JSON.stringify({
      data: { names: ["setosa", "versicolor", "virginica"], ndarray },
      meta: { puid, requestPath: { classifier: `registry/iris:${puid.length}` }, tags: {} },
    }),
  );
}

function pairsPerSecond(rows: number): { readonly bytes: number; readonly pairs: number } {
  const answer = { status: 200, grpcStatus: -1, headerBytes: -1 };
  const primary = { ...answer, body: answerOf(rows, 0, "a".repeat(26)) };
  const shadow = { ...answer, body: answerOf(rows, 1e-9, "b".repeat(26)) };
  const pair: AnsweredPair = {
    isGrpc: false,
    path: "/api/v1.0/predictions",
    primary,
    shadow,
    isAsked: true,
    slowerMs: 0.3,
  };
  const comparison = new Comparison(plainRules);
  const count = Math.ceil(bytesPerRound / primary.body.length);
  let most = 0;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let at = 0; at < count; at++) comparison.add(pair);
    const { user, system } = process.cpuUsage(before);
    most = Math.max(most, (count * 1e6) / (user + system));
  }
  if (comparison.counts.outcomes.agreed !== rounds * count) throw new Error("a pair did not agree");
  return { bytes: primary.body.length, pairs: most };
}

export function benchCompare(): void {
  for (const [rows, target] of [
    [28, "   (target ≥ 20,000)"],
    [3100, ""],
  ] as const) {
    const { bytes, pairs } = pairsPerSecond(rows);
    console.log(
      `${`compare JSON answers of ${bytes} bytes`.padEnd(66)}${Math.round(pairs).toString().padStart(8)} pairs a second of CPU${target}`,
    );
  }
}
