// Benchmark of the core: decide at 10,000 deployments, writing the table, changing it.
import { decide } from "../../routing/decide.ts";
import { RequestHead } from "../../routing/request/head.ts";
import { headOf } from "../../routing/request/head-text.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { RouteTable } from "../../routing/table.ts";
import type { TableChange } from "../../routing/model/table-change.ts";
import {
  deploymentMappings,
  deployments,
  foreignMappings,
  ownRegexes,
  policy,
  wholeChange,
  WrittenTable,
} from "./tables.ts";

const decisionsPerRound = 10_000;
const rounds = 300;

/** One request for each deployment, of one predictor, in an order that neither memory nor whoever predicts branches could foresee. The same in every run. */
function requests(headAt: (index: number) => RequestHead): readonly RequestHead[] {
  const order = Array.from({ length: deployments }, (_, index) => index);
  let random = 1;
  for (let last = order.length - 1; last > 0; last--) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((random / 2 ** 32) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order.map((index) => headAt(index));
}

function restHeads(namespaces: number): readonly RequestHead[] {
  const headers = [
    ["host", "gateway"],
    ["user-agent", "bench"],
    ["content-type", "application/json"],
    ["content-length", "70"],
    ["accept", "*/*"],
  ] as const;
  return requests((index) =>
    headOf({
      method: "POST",
      path: `/seldon/team-${index % namespaces}/model-${index}/api/v0.1/predictions`,
      host: "gateway",
      headers,
      grpc: false,
    }),
  );
}

function grpcHeads(namespaces: number): readonly RequestHead[] {
  return requests((index) => {
    const headers = [
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ["user-agent", "bench"],
      ["seldon", `model-${index}`],
      ["namespace", `team-${index % namespaces}`],
    ] as const;
    return headOf({ method: "POST", path: "/seldon.protos.Seldon/Predict", host: "gateway", headers, grpc: true });
  });
}

/** Least ns of one decision over many short rounds: what is left when nobody else uses the machine. Every decision must forward. */
function decideNs(table: RouteTable<null>, heads: readonly RequestHead[]): number {
  const load = loaderOf(heads);
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    let forwarded = 0;
    const start = performance.now();
    for (let i = 0; i < decisionsPerRound; i++)
      if (decide(table, load((round * decisionsPerRound + i) % heads.length), 0.5).kind === "forward") forwarded++;
    least = Math.min(least, ((performance.now() - start) * 1e6) / decisionsPerRound);
    if (forwarded !== decisionsPerRound) throw new Error(`${decisionsPerRound - forwarded} decisions found no Route`);
  }
  return least;
}

/** As in the data plane there is one head object, over bytes that were just read: here the bytes of all requests lie one after the other, as they are asked for. */
function loaderOf(heads: readonly RequestHead[]): (index: number) => RequestHead {
  const one = new RequestHead();
  one.bytes = Buffer.concat(heads.map(({ bytes }) => bytes));
  one.pathBytes = one.bytes;
  one.grpc = heads[0]!.grpc;
  one.fieldCount = heads[0]!.fieldCount;
  // REST Routes of this table read no field.
  const fields = one.grpc ? one.fieldCount * 4 : 0;
  const each = 2 + fields;
  const places = new Int32Array(heads.length * each);
  let end = 0;
  for (const [index, from] of heads.entries()) {
    const at = index * each;
    places[at] = end + from.pathStart;
    places[at + 1] = end + from.pathEnd;
    for (let i = 0; i < fields; i++) places[at + 2 + i] = end + from.fields[i]!;
    end += from.bytes.length;
  }
  return (index) => {
    const at = index * each;
    one.pathStart = places[at]!;
    one.pathEnd = places[at + 1]!;
    for (let i = 0; i < fields; i++) one.fields[i] = places[at + 2 + i]!;
    return one;
  };
}

/** Median ms of one change of one deployment, on a table of all. */
function changeMs(written: WrittenTable, mappings: readonly Mapping[]): number {
  return changesMs(written, (step) => {
    const changed = mappings[(step * 7919) % mappings.length]!;
    const target = {
      ...policy(changed.target.kind === "forward" ? changed.target.upstream : "", "/"),
      timeout: { ms: 3000 + step, setBy: "bench" },
    };
    return { ...wholeChange([]), mappings: [{ mapping: { ...changed, target }, slot: -1 }] };
  });
}

/** Median ms of one ready bit. */
function flipMs(written: WrittenTable, mappings: readonly Mapping[]): number {
  return changesMs(written, (step) => {
    const { target } = mappings[(step * 7919) % mappings.length]!;
    return {
      ...wholeChange([]),
      endpoints: [{ key: target.kind === "forward" ? target.upstream : "", ready: false, endpoints: [] }],
    };
  });
}

/** Median ms from a change to a reader that has it. */
function changesMs(written: WrittenTable, changeOf: (step: number) => TableChange): number {
  const times: number[] = [];
  for (let step = 0; step < 1000; step++) {
    const given = changeOf(step);
    const start = performance.now();
    written.apply(given);
    times.push(performance.now() - start);
  }
  return median(times.slice(300));
}

function coldMs(): { readonly first: number; readonly warm: number } {
  const times = Array.from({ length: 5 }, () => {
    const given = wholeChange(deploymentMappings(100));
    const start = performance.now();
    const { table } = new WrittenTable(given);
    const ms = performance.now() - start;
    if (table.routeCount === 0) throw new Error("the table is empty");
    return ms;
  });
  return { first: times[0]!, warm: median(times.slice(1)) };
}

/** Bytes of heap that a reader keeps alive once it was asked for everything; what the writer knows is not among them. */
function readerBytes(written: WrittenTable, heads: readonly RequestHead[]): number | null {
  if (globalThis.gc === undefined) return null;
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const reader = written.reader();
  for (const head of heads) decide(reader, head, 0.5);
  globalThis.gc();
  const after = process.memoryUsage().heapUsed;
  return reader.keptCount === 0 ? null : after - before;
}

/** ns of the first decision of a Route, which makes it from its record. */
function firstNs(written: WrittenTable, heads: readonly RequestHead[]): number {
  return median(
    Array.from({ length: 5 }, () => {
      const reader = written.reader();
      const start = performance.now();
      for (const head of heads) decide(reader, head, 0.5);
      return ((performance.now() - start) * 1e6) / heads.length;
    }),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function line(name: string, value: number, unit: string, target: string): void {
  console.log(
    `${name.padEnd(64)} ${value.toFixed(value < 10 ? 3 : 1).padStart(9)} ${unit}${target === "" ? "" : `   (target ${target})`}`,
  );
}

export function benchDecide(): void {
  const cold = coldMs();
  line("write 20,000 Mappings, code cold", cold.first, "ms", "< 250");
  line("write 20,000 Mappings, code warm", cold.warm, "ms", "");
  for (const namespaces of [1, 100, deployments]) {
    const mappings = deploymentMappings(namespaces);
    const written = new WrittenTable(wholeChange(mappings));
    const { table } = written;
    const where = `${deployments} deployments in ${namespaces} namespace${namespaces === 1 ? "" : "s"}`;
    const heads = restHeads(namespaces);
    line(`memory of the table, ${where}`, written.writer.bytes.used / 2 ** 20, "MiB", "");
    line(`first decision of a Route, ${where}`, firstNs(written, heads), "ns", "");
    line(`decide REST, ${where}`, decideNs(table, heads), "ns", "≤ 250");
    line(`decide gRPC, ${where}`, decideNs(table, grpcHeads(namespaces)), "ns", "");
    const bytes = readerBytes(written, heads);
    if (bytes !== null) line(`heap of a reader of all REST Routes, ${where}`, bytes / 2 ** 20, "MiB", "");
    line(`change one Mapping, ${where}`, changeMs(written, mappings), "ms", "< 1");
    line(`flip one ready bit, ${where}`, flipMs(written, mappings), "ms", "< 0.06");
  }
  const mappings = deploymentMappings(100);
  const { table: plain } = new WrittenTable(wholeChange(mappings));
  const { table: crowded } = new WrittenTable(wholeChange([...mappings, ...foreignMappings(1000)]));
  const heads = restHeads(100);
  const ratios = Array.from({ length: 5 }, () => decideNs(crowded, heads) / decideNs(plain, heads));
  line("decide with 1,000 foreign raw Mappings, against without", median(ratios), "×", "≤ 1.1");
  const { table: regexes } = new WrittenTable(wholeChange([...mappings, ...ownRegexes("team-0", 50)]));
  const own = heads.filter((head) => decide(regexes, head, 0).kind === "forward" && textOf(head).includes("/team-0/"));
  line("decide with 50 regexes of its own namespace", decideNs(regexes, own), "ns", "≤ 25,000");
}

function textOf(head: RequestHead): string {
  return new TextDecoder().decode(head.pathBytes.subarray(head.pathStart, head.pathEnd));
}
