// Benchmark of what the control worker keeps: 10,000 deployments with two predictors each as a folder's Source reads them, translated; then one
// changed manifest. CPU time, because others may use the machine; with `node --expose-gc` also the heap that each part holds.
import { BreakerSlots } from "../../gateway/control/slots/breaker-slots.ts";
import { SeriesSlots } from "../../gateway/control/slots/series-slots.ts";
import { ManifestFiles } from "../../k8s/source/files/files.ts";
import { finish } from "../../k8s/source/objects/work.ts";
import type { TranslateSettings } from "../../k8s/translate/model/translation.ts";
import { Translator } from "../../k8s/translate/translator.ts";
import { deployments, type Deployment } from "../peers/fleet.ts";
import { plainSplit, wholeManifest, type Split } from "../peers/manifests.ts";

const settings: TranslateSettings = {
  ambassadorIds: ["default"],
  namespaces: [],
  singleNamespace: null,
  claims: "open",
  bareNames: "on",
  answeredBy: false,
  releases: true,
  mappings: true,
  dial: "endpoints",
  source: "folder",
  forbiddenAddresses: [],
  grants: [],
  gatewayNamespace: null,
  oauth: false,
  defaultTimeoutMs: 3000,
  withoutSlices: "unready",
};

const fleet = { deployments: 10_000, addresses: "own", mainPort: 9001, canaryPort: 9002 } as const;
const changes = 200;

export function benchTranslation(): void {
  const files = new ManifestFiles("default");
  const translator = new Translator(settings);
  const series = new SeriesSlots({ inTable: new Map(), used: [] }, 1, 0, false);
  const breakers = new BreakerSlots({ inTable: new Map(), used: [] }, 1);
  const held = { files, translator, series, breakers };
  const all = deployments(fleet);
  let stamp = 0;
  const read = (deployment: Deployment, split: Split): void =>
    finish(
      files.readBytes(
        Buffer.from(wholeManifest(deployment, split)),
        `${deployment.namespace}/${deployment.name}.yaml`,
        `${(stamp += 1)}`,
      ),
    );
  const translate = (): number => {
    const change = translator.apply(files.changes());
    for (const mapping of change.mappings) series.own(mapping.id, mapping.series, 1, 0);
    for (const { key } of change.upstreams) breakers.own(key);
    return change.mappings.length;
  };
  const before = heapBytes();
  const readMs = cpuMs(() => {
    for (const deployment of all) read(deployment, plainSplit);
  });
  const readBytes = heapBytes();
  let mappings = 0;
  const translateMs = cpuMs(() => {
    mappings = translate();
  });
  const kept = heapBytes();
  console.log(
    `${fleet.deployments} deployments: read ${readMs.toFixed(0)} ms, ${mappings} Mappings translated and slots given ${translateMs.toFixed(0)} ms of CPU`,
  );
  if (before !== null)
    console.log(
      `heap: read and not yet translated ${mebibytes(readBytes! - before)} MiB, kept ${mebibytes(kept! - before)} MiB (${Object.keys(held).join(", ")})`,
    );
  const changeMs = cpuMs(() => {
    for (let index = 0; index < changes; index++) {
      read(all[(index * 7919) % all.length]!, {
        ...plainSplit,
        mainFields: [`traffic: ${index % 100}`],
        canaryFields: [`traffic: ${100 - (index % 100)}`],
      });
      translate();
    }
  });
  console.log(`one changed manifest: ${(changeMs / changes).toFixed(2)} ms of CPU, YAML and all`);
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function heapBytes(): number | null {
  if (globalThis.gc === undefined) return null;
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
