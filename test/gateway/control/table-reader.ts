// A reader of the shared table for tests of the control plane: what a data worker would take, without serving.
import { RouteTable } from "../../../routing/table.ts";
import { SharedTable } from "../../../gateway/shared/memory/shared-table.ts";

export class TableReader {
  readonly table: RouteTable<null>;
  readonly #shared: SharedTable;
  readonly #number: number;
  #root = 0;

  constructor(memory: SharedArrayBuffer, number: number) {
    this.#shared = new SharedTable(memory);
    this.#number = number;
    this.table = new RouteTable(this.#shared.arena, () => null);
  }

  /** Takes the newest table; its version. */
  take(): number {
    if (this.#shared.root !== this.#root) {
      this.#root = this.#shared.enter(this.#number);
      this.table.adopt(this.#root);
    }
    return this.table.version;
  }

  leave(): void {
    this.#shared.left(this.#number);
  }

  /** All that the table says, in one text: Mappings with their weights and slots, Upstreams with Endpoints. */
  get content(): string {
    const routes = this.table
      .routesInOrder()
      .flatMap(({ split }) =>
        split.members.map(
          ({ mapping: { id, role, target } }) =>
            `${id} ${role.kind === "live" ? String(role.weight) : "shadow"} ${target.kind === "forward" ? target.upstream : ""}`,
        ),
      );
    const upstreams = [...this.table.upstreamKeys()].toSorted().map((key) => {
      const known = this.table.upstream(key)!;
      return `${key} ${known.upstream === null ? "unknown" : known.upstream.connectTimeoutMs} ${known.endpoints?.endpoints.map(({ port }) => port).join(",") ?? "untold"}${known.failing.map((address) => ` fails ${address}`).join("")}`;
    });
    return [...routes.toSorted(), ...upstreams].join("\n");
  }
}
