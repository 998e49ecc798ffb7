import { connect } from "node:net";
import { expect, test } from "vitest";
import { TableWriter } from "../../../routing/write/table-writer.ts";
import { plainSettings } from "../../../routing/model/table-change.ts";
import { decodeServe } from "../options/decode-serve.ts";
import type { PlaneStart } from "../../../gateway/shared/data-plane.ts";
import { DataPlane } from "../../../gateway/edge/plane.ts";
import type { SpareStart } from "../../../gateway/shared/messages.ts";
import { rehearse } from "../../../gateway/worker/rehearsal.ts";
import { SharedTable, spareReader, tableMemory } from "../../../gateway/shared/shared-table.ts";
import { mappingOf, upstreamOf } from "../fixtures.ts";

/** A plane that says what is done with it. */
class SeenPlane extends DataPlane {
  readonly seen: string[];
  readonly #start: PlaneStart;

  constructor(start: PlaneStart, seen: string[]) {
    super(start);
    this.#start = start;
    this.seen = seen;
  }

  override woken(): void {
    super.woken();
    this.seen.push(`reads table ${new SharedTable(this.#start.table).readBy(this.#start.reader)}`);
  }

  override async listen(
    port: number,
    tlsPort: number,
  ): Promise<{ readonly host: string; readonly port: number; readonly tlsPort: number }> {
    const bound = await super.listen(port, tlsPort);
    this.seen.push(`listens on ${bound.host}`, `port ${bound.port}`);
    return bound;
  }
}

function spareOf(options: readonly string[]): SpareStart {
  const config = decodeServe(["--folder", "d", ...options], {});
  if (config.kind !== "settings") throw new Error("settings");
  return { kind: "spare", settings: config.settings, table: tableMemory(1), reader: spareReader };
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(false));
    socket.once("error", () => resolve(true));
  });
}

test.each([[[]], [["--oauth", "--proxy-protocol", "both", "--listen", "203.0.113.1:1"]]])(
  "reads the table, listens on loopback and answers, and leaves nothing behind: options %j",
  async (options) => {
    const start = spareOf(options);
    const shared = new SharedTable(start.table);
    const change = {
      settings: plainSettings,
      mappings: [{ mapping: mappingOf("m", "u"), slot: 0 }],
      removedMappings: [],
      upstreams: [{ upstream: upstreamOf("u"), breakerSlot: 0 }],
      removedUpstreams: [],
      endpoints: [],
      failing: [],
    };
    shared.publish(new TableWriter(shared.arena, 0).write(change, 0).root);
    const seen: string[] = [];
    await rehearse(start, (plane) => new SeenPlane(plane, seen));
    const ports = seen.filter((what) => what.startsWith("port ")).map((what) => Number(what.slice("port ".length)));
    expect(seen.filter((what) => !what.startsWith("port "))).toEqual([
      "reads table 1",
      "listens on 127.0.0.1",
      "reads table 1",
      "listens on 127.0.0.1",
    ]);
    expect(ports).toHaveLength(2);
    for (const port of ports) expect(await isRefused(port)).toBe(true);
    expect(shared.readBy(spareReader)).toBe(0);
  },
);

test("without a table, with a damaged one or without a port there is nothing to rehearse, and nobody is told", async () => {
  const start = spareOf([]);
  await rehearse(start, (plane) => new DataPlane(plane));
  const shared = new SharedTable(start.table);
  shared.publish(
    new TableWriter(shared.arena, 0).write(
      {
        settings: plainSettings,
        mappings: [],
        removedMappings: [],
        upstreams: [],
        removedUpstreams: [],
        endpoints: [],
        failing: [],
      },
      0,
    ).root,
  );
  new Int32Array(start.table)[shared.root * 16 + 3]! ^= 1;
  await rehearse(start, (plane) => new DataPlane(plane));
  expect(shared.readBy(spareReader)).toBe(0);
  await rehearse(start, (plane) => {
    const made = new DataPlane(plane);
    made.listen = async () => Promise.reject(new Error("EACCES"));
    return made;
  });
});
