// A million changes of a table of 10,000 deployments, beside two readers that lag behind: memory must not grow. Ready bits flip, weights and targets
// change, deployments go and come back, under other names, too.
import { decide } from "../../routing/decide.ts";
import { headOf } from "../../routing/request/head-text.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { RouteTable } from "../../routing/table.ts";
import type { TableChange } from "../../routing/model/table-change.ts";
import { deploymentMappings, deployments, wholeChange, WrittenTable } from "./tables.ts";

const changes = 1_000_000;
const linesEvery = 100_000;
const namespaces = 100;
/** Tables that a reader may be behind the newest. */
const mostBehind = 50;

/** Draws in [0, 1) that are the same in every run. */
function drawer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 2 ** 31;
  };
}

class Churn {
  readonly #draw = drawer(42);
  readonly #mappings = deploymentMappings(namespaces);
  readonly #table = new WrittenTable(wholeChange(this.#mappings));
  readonly #readers: readonly RouteTable<null>[] = [this.#table.table, this.#table.reader()];
  readonly #heads = Array.from({ length: deployments }, (_, index) =>
    headOf({
      method: "POST",
      path: `/seldon/team-${index % namespaces}/model-${index}/api/v0.1/predictions`,
      host: "gateway",
      headers: [],
      grpc: false,
    }),
  );
  /** Numbers of deployments that are away; each came with two Mappings. */
  readonly #away = new Set<number>();
  #step = 0;

  run(): void {
    const started = performance.now();
    this.#print();
    while (this.#step < changes) {
      this.#step += 1;
      this.#table.writer.write(this.#next(), Math.min(...this.#readers.map(({ version }) => version)));
      for (const reader of this.#readers) this.#read(reader);
      if (this.#step % linesEvery === 0) this.#print();
    }
    console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
  }

  #next(): TableChange {
    const draw = this.#draw();
    if (draw < 0.5)
      return {
        ...wholeChange([]),
        endpoints: [{ key: upstreamOf(this.#any()), ready: this.#draw() < 0.5, endpoints: this.#endpoints() }],
      };
    if (draw < 0.85) return wholeChangeOf(this.#changed());
    return this.#comeOrGo();
  }

  /** Another weight or limit. */
  #changed(): Mapping {
    const one = this.#any();
    const { target } = one;
    if (this.#draw() < 0.5 || target.kind !== "forward")
      return { ...one, role: { kind: "live", weight: Math.floor(this.#draw() * 100), share: 1 } };
    // Of one in ten the size of the record changes as well.
    const text = one.source.name.endsWith("0") ? "x".repeat(this.#draw() * 2000) : "";
    return {
      ...one,
      target: {
        ...target,
        timeout: { ms: this.#step, setBy: "churn" },
        requestHeaders: { remove: [], add: [{ name: "x", value: text, append: false }] },
      },
    };
  }

  #comeOrGo(): TableChange {
    const [first] = this.#away;
    if (first !== undefined && (this.#away.size > 100 || this.#draw() < 0.5)) {
      this.#away.delete(first);
      return wholeChange(this.#mappings.slice(first * 2, first * 2 + 2));
    }
    const index = Math.floor(this.#draw() * deployments);
    const gone = this.#mappings.slice(index * 2, index * 2 + 2);
    if (this.#away.has(index)) return { ...wholeChange([]), removedMappings: gone.map(({ id }) => id) };
    this.#away.add(index);
    return { ...wholeChange([]), removedMappings: gone.map(({ id }) => id), removedUpstreams: gone.map(upstreamOf) };
  }

  #endpoints(): TableChange["endpoints"][number]["endpoints"] {
    return Array.from({ length: this.#draw() * 5 }, (_, index) => ({
      ip: `10.0.${this.#step % 256}.${index}`,
      port: 9000,
      state: "ready" as const,
    }));
  }

  #any(): Mapping {
    for (;;) {
      const index = Math.floor(this.#draw() * this.#mappings.length);
      if (!this.#away.has(index >> 1)) return this.#mappings[index]!;
    }
  }

  #read(reader: RouteTable<null>): void {
    const { version, root } = this.#table.writer.written;
    if (version - reader.version < this.#draw() * mostBehind) return;
    reader.adopt(root);
    for (let ask = 0; ask < 10; ask++)
      decide(reader, this.#heads[Math.floor(this.#draw() * deployments)]!, this.#draw());
    if (this.#draw() < 0.001) reader.rest();
  }

  #print(): void {
    const { used, touched } = this.#table.writer.bytes;
    const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1).padStart(6)} MiB`;
    const kept = this.#readers.map(({ keptCount }) => keptCount).join(" and ");
    globalThis.gc?.();
    console.log(
      `${String(this.#step).padStart(9)} changes: in use ${mebibytes(used)}, ever touched ${mebibytes(touched)}, resident ${mebibytes(process.memoryUsage().rss)}, Routes ${this.#table.writer.written.routeCount}, kept ${kept}`,
    );
  }
}

function upstreamOf({ target }: Mapping): string {
  return target.kind === "forward" ? target.upstream : "";
}

function wholeChangeOf(one: Mapping): TableChange {
  return { ...wholeChange([]), mappings: [{ mapping: one, slot: -1 }] };
}

export function benchChurn(): void {
  new Churn().run();
}
