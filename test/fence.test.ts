import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, staleHomes, violations } from "./fence.ts";

const root = join(import.meta.dirname, "..");

function sources(): Map<string, string> {
  const found = new Map<string, string>();
  for (const top of ["gateway", "routing", "k8s", "test", "load"]) {
    if (!existsSync(join(root, top))) continue;
    for (const name of readdirSync(join(root, top), { recursive: true, encoding: "utf8" })) {
      if (name.endsWith(".ts") && !name.includes("node_modules"))
        found.set(`${top}/${name}`, readFileSync(join(root, top, name), "utf8"));
    }
  }
  return found;
}

describe("arrows between layers and rooms", () => {
  test("hold", () => {
    const all = sources();
    expect(all.size).toBeGreaterThan(30);
    expect(violations(all)).toEqual([]);
  });

  test.each([
    ["routing/x.ts", "import { x } from '../k8s/translate/model/object.ts';"],
    ["routing/x.ts", "import type { X } from '../gateway/options/settings.ts';"],
    ["routing/x.ts", "import { RE2JS } from 're2js';"],
    ["routing/x.ts", "export { readFileSync } from 'node:fs';"],
    ["routing/x.ts", "const { connect } = await import('node:net');"],
    ["routing/x.ts", "const fs = process.getBuiltinModule('fs');"],
    ["routing/x.ts", "const now = Date.now();"],
    ["routing/x.ts", "const draw = Math.random();"],
    ["routing/x.ts", "const order = a.localeCompare(b);"],
    ["routing/x.ts", "import lodash from 'lodash';"],
    ["routing/x.ts", "import { x } from './release/statistics/x.ts';"],
    ["routing/release/rollout/x.ts", "import type { X } from '../../../gateway/api/x.ts';"],
    ["routing/release/rollout/x.ts", "import { x } from '../../decide.ts';"],
    ["routing/release/rollout/x.ts", "import { x } from '../bandit/x.ts';"],
    ["routing/release/statistics/x.ts", "import { x } from '../rollout/x.ts';"],
    ["routing/release/statistics/x.ts", "const draw = Math.random();"],
    ["routing/release/compare/x.ts", "import { readFileSync } from 'node:fs';"],
    ["k8s/translate/x.ts", "import { x } from '../../routing/release/rollout/decide.ts';"],
    ["gateway/edge/x.ts", "import type { X } from '../../routing/release/statistics/x.ts';"],
    ["k8s/translate/x.ts", "import { folderSource } from '../source/folder.ts';"],
    ["k8s/translate/x.ts", "import {\n  Worker,\n} from 'node:worker_threads';"],
    ["k8s/translate/x.ts", "setTimeout(later, 1);"],
    ["k8s/source/x.ts", "import { Settings } from '../../gateway/settings.ts';"],
    ["gateway/edge/x.ts", "import type { SourceObject } from '../../k8s/translate/object.ts';"],
    ["gateway/edge/x.ts", "import { x } from '../control/publisher.ts';"],
    ["gateway/edge/http1/x.ts", "import { x } from '../../admin/server.ts';"],
    ["gateway/edge/x.ts", "import fastify from 'fastify';"],
    ["gateway/control/x.ts", "import { x } from '../edge/exchange.ts';"],
    ["gateway/control/x.ts", "import { folderSource } from '../../k8s/source/folder.ts';"],
    ["gateway/admin/x.ts", "import { x } from '../edge/exchange.ts';"],
    ["gateway/tools/x.ts", "import { folderSource } from '../../k8s/source/folder.ts';"],
    ["gateway/tools/x.ts", "import { x } from '../edge/exchange.ts';"],
    ["gateway/tools/x.ts", "import pino from 'pino';"],
    ["gateway/control/x.ts", "import { Registry } from 'prom-client';"],
    ["gateway/worker/x.ts", "import type { Grant } from '../../k8s/translate/model/translation.ts';"],
    ["gateway/supervisor/serve.ts", "import { DataPlane } from '../edge/plane.ts';"],
    ["gateway/x.ts", "import { x } from './main.ts';"],
    ["gateway/supervisor/serve.ts", "import { pack } from '../packing/pack.ts';"],
    ["gateway/packing/x.ts", "import { x } from '../serve.ts';"],
    ["gateway/packing/x.ts", "import { rolldown } from 'rolldown';"],
    ["test/x.test.ts", "import { x } from '../gateway/main.ts';"],
    ["gateway/edge/downstream/x.ts", "const version = secure.getProtocol();"],
    ["gateway/edge/downstream/x.ts", "const version = secure?.getProtocol?.();"],
    ["gateway/control/x.ts", "const { getEphemeralKeyInfo } = socket;"],
    ["k8s/source/x.ts", "const group = socket['getEphemeralKeyInfo']();"],
    ["gateway/admin/x.ts", "const words = `${socket.getProtocol()}`;"],
    ["gateway/control/x.ts", 'import { request } from "node:http";'],
    ["gateway/tools/x.ts", 'import { Agent, request as ask, type RequestOptions } from "node:https";'],
    ["k8s/source/api/x.ts", 'import https from "node:https";'],
    ["gateway/demo/x.ts", 'import * as http from "node:http";'],
    ["k8s/translate/x.ts", "const words: Readonly<Record<string, number>> = { ms: 1 };\nconst unit = words[text];"],
    [
      "gateway/tools/x.ts",
      "const words: Record<string, number> = {\n  ms: 1,\n};\nexport const unit = () => words[text.trim()];",
    ],
    [
      "gateway/options/x.ts",
      "type Rows = Readonly<Record<string, Row>>;\nconst rows: Rows = { a };\nconst row = rows[key]?.use;",
    ],
    ["gateway/callers/x.ts", "const kinds = { jwt: 1 };\nconst made = kinds[kind as keyof typeof kinds];"],
    ["routing/text/x.ts", "const kinds = { jwt: 1 };\nif (kind in kinds) return 1;"],
  ])("a planted violation is found: %s: %s", (file, text) => {
    expect(violations(new Map([[file, text]]))).not.toEqual([]);
  });

  test("what ends the process in tests and comments is none of its business", () => {
    expect(
      violations(
        new Map([
          ["test/x.ts", "socket.getProtocol();"],
          ["load/x.ts", "socket.getEphemeralKeyInfo();"],
          ["gateway/x.ts", "// getProtocol() ends the process"],
          ["gateway/y.ts", "const cipher = secure.getCipher();"],
        ]),
      ),
    ).toEqual([]);
  });

  test("a table of words that another file asks is found; one that knows its own words alone is none", () => {
    const table = "export const words: Readonly<Record<string, number>> = {";
    const asker = "import { words } from './x.ts';\nexport const unit = words[text];";
    const planted = (start: string, ask: string): string[] =>
      violations(
        new Map([
          ["routing/text/x.ts", `${start} ms: 1 };`],
          ["routing/text/y.ts", ask],
        ]),
      );
    expect(planted(table, asker)).toHaveLength(1);
    expect(planted(`${table} __proto__: null as never,`, asker)).toEqual([]);
    expect(planted(table, asker.replace("words[text]", "Object.hasOwn(words, text) ? words[text] : 0"))).toEqual([]);
    expect(planted("export const words: Readonly<Record<Unit, number>> = {", asker)).toEqual([]);
  });

  test("a way through another file is found: the data plane does not know Kubernetes", () => {
    const planted = new Map([
      ["gateway/edge/x.ts", "import { y } from '../shared/y.ts';"],
      ["gateway/shared/y.ts", "import { decode } from '../../k8s/translate/deployments/decode.ts';"],
    ]);
    expect(violations(planted)).toEqual([
      "gateway/edge/x.ts loads k8s/translate/deployments/decode.ts at run time: the data plane does not know Kubernetes",
    ]);
    expect(
      violations(
        planted.set("gateway/shared/y.ts", "import type { Grant } from '../../k8s/translate/deployments/decode.ts';"),
      ),
    ).toEqual([]);
  });

  test.each([
    [
      "io/x.ts",
      "import type { Framing } from '../message/framing.ts';",
      "the room io of gateway/edge may import only rooms of the lines before it",
    ],
    [
      "http1/x.ts",
      "import { y } from '../http2/y.ts';",
      "the room http1 of gateway/edge may import only rooms of the lines before it",
    ],
    [
      "http2/x.ts",
      "import { y } from '../http1/y.ts';",
      "the room http2 of gateway/edge may import only rooms of the lines before it",
    ],
    [
      "upstream/x.ts",
      "const { y } = await import('../policy/y.ts');",
      "the room upstream of gateway/edge may import only rooms of the lines before it",
    ],
    [
      "exchange/x.ts",
      "export type { Y } from '../downstream/y.ts';",
      "the room exchange of gateway/edge may import only rooms of the lines before it",
    ],
    [
      "exchange/x.ts",
      "import { DataPlane } from '../plane.ts';",
      "the room exchange of gateway/edge may import only rooms of the lines before it",
    ],
    ["exchange/x.ts", "import { y } from '../attic/y.ts';", "is in no room"],
  ])("an import against the order of the rooms is found: %s: %s", (file, text, sentence) => {
    expect(violations(new Map([[`gateway/edge/${file}`, text]]))).toEqual([expect.stringContaining(sentence)]);
  });

  test.each([
    ["routing/text/x.ts", "import { y } from '../route/route.ts';"],
    ["routing/arena/x.ts", "import { y } from '../table.ts';"],
    ["routing/x/x.ts", "import { y } from '../text/visible.ts';"],
    ["k8s/translate/mappings/x.ts", "import type { Y } from '../platform/host.ts';"],
    ["k8s/translate/claims/x.ts", "import { y } from '../translator.ts';"],
    ["k8s/source/objects/x.ts", "import { y } from '../folder/folder.ts';"],
    ["gateway/options/x.ts", "import { y } from '../shared/log.ts';"],
    ["gateway/admin/x.ts", "import { y } from '../control/control.ts';"],
    ["gateway/control/slots/x.ts", "import { y } from '../publish/publisher.ts';"],
    ["gateway/shared/x.ts", "import { y } from '../steps.ts';"],
  ])("of every floor: %s: %s", (file, text) => {
    expect(violations(new Map([[file, text]]))).toHaveLength(1);
  });

  test("a circle is found, types and dynamic imports counted, and one of a single file", () => {
    const planted = new Map([
      ["routing/a.ts", "import type { B } from './b.ts';"],
      ["routing/b.ts", "const { c } = await import('./c.ts');"],
      ["routing/c.ts", "export { a } from './a.ts';"],
      ["routing/d.ts", "import { a } from './a.ts';"],
    ]);
    expect(violations(planted)).toEqual(["routing/a.ts, routing/b.ts, routing/c.ts import each other in a circle"]);
    expect(violations(planted.set("routing/c.ts", ""))).toEqual([]);
    expect(violations(new Map([["routing/e.ts", "import { e } from './e.ts';"]]))).toEqual([
      "routing/e.ts import each other in a circle",
    ]);
  });

  test("every home of a package is lived in", () => {
    expect(staleHomes(sources())).toEqual([]);
    expect(
      staleHomes(
        new Map([
          ["gateway/shared/log.ts", "import pino from 'pino';"],
          ["load/x.ts", "import { fastify } from 'fastify';"],
        ]),
      ),
    ).not.toContainEqual(expect.stringContaining("pino"));
    expect(staleHomes(new Map([["load/x.ts", "import { fastify } from 'fastify';"]]))).toContain(
      "fastify has a home in gateway/admin/, where nothing imports it",
    );
  });

  test("imports are read in every form and not from comments", () => {
    const text = `
import a from './a.ts';
import type { B } from "../b.ts";
export * from './c.ts';
import 'node:fs';
// import d from './d.ts';
/* import e from './e.ts'; */
const url = 'http://x'; const f = await import('./f.ts');
`;
    expect(importsOf("k8s/x/y.ts", text).map(({ to, type }) => (type ? `type ${to}` : to))).toEqual([
      "k8s/x/a.ts",
      "type k8s/b.ts",
      "k8s/x/c.ts",
      "node:fs",
      "k8s/x/f.ts",
    ]);
  });
});

test("the top level holds these files and folders, and nothing else", () => {
  const names = existsSync(join(root, ".git"))
    ? execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" })
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split("/")[0]!)
    : readdirSync(root).filter((name) => !/^(?:node_modules|coverage|packed(?:-\d+)?)$/.test(name));
  const listed = [
    "package.json",
    "tsconfig.json",
    "gateway",
    "routing",
    "k8s",
    "test",
    "load",
    "Dockerfile",
    "README.md",
    "package-lock.json",
    "LICENSE",
    "CHANGELOG.md",
  ];
  expect(new Set(names.filter((name) => !name.startsWith(".")))).toEqual(new Set(listed));
});
