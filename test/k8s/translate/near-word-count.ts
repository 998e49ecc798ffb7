// How many blocks run for each annotation of a SeldonDeployment that looks like a known one. Started by near-word.test.ts (see block-counts.ts).
import { blockCounts, sumOf } from "./block-counts.ts";

const { clusterSettings, deployment, object } = await import("./objects.ts");
const { Translator } = await import("../../../k8s/translate/translator.ts");

const number = 2000;
const texts: Readonly<Record<string, (i: number) => string>> = {
  "another name of ours": (i) => `seldon.io/ambassador-thing-${i}`,
  "the longest known one, three letters wrong": (i) =>
    `seldon.io/ambassador-circuit-breakers-max-pending-req${i.toString(36).padStart(5, "z")}`,
  "its letters in another order": (i) => `sluice.io/ar${"etlimi-".repeat(1 + (i % 5))}${i}`,
  "another prefix": (i) => `ambassador/rate-limits${i}`,
};

const blocks: Record<string, number> = {};
for (const [name, textOf] of Object.entries(texts)) {
  const each = [0, number].map((count) => {
    const annotations = Object.fromEntries(Array.from({ length: count }, (_, i) => [textOf(i), ""]));
    const objects = [
      deployment("prod/m", ["main"], annotations),
      object("Mapping", "prod/m", JSON.stringify({ metadata: { annotations }, spec: { prefix: "/x/", service: "s" } })),
    ];
    const translator = new Translator(clusterSettings);
    return sumOf(blockCounts(() => translator.apply({ set: objects, removed: [] })));
  });
  blocks[name] = Math.round((each[1]! - each[0]!) / number);
}
process.stdout.write(`${JSON.stringify(blocks)}\n`);
