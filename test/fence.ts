// The arrows between layers, between the rooms of each floor, and no circle of files anywhere: as a function of the sources, so that the test
// can plant violations and see them found. Types count like values: what one must know to read a file is what it imports.
import { posix } from "node:path";

/** What files under a folder (or one file) may import of ours, as layers go; `floors` says more. The longest prefix that fits a file decides. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  "routing/": ["routing/"],
  // Releases: statistics and decisions. Neither routing nor the data plane knows them.
  "routing/release/": ["routing/release/", "routing/text/"],
  // Of releases it reads what people write in annotations.
  "k8s/translate/": [
    "k8s/translate/",
    "routing/",
    "routing/release/rollout/plan.ts",
    "routing/release/bandit/plan.ts",
    "routing/release/compare/rules.ts",
  ],
  // Only pages, tests and `check` read it, and types: no thread of a gateway loads these texts.
  "k8s/problems/": ["k8s/problems/", "routing/"],
  "k8s/source/": ["k8s/source/", "k8s/translate/", "routing/"],
  "gateway/": ["gateway/", "routing/", "k8s/translate/"],
  // The data plane and its thread do not know Kubernetes.
  "gateway/edge/": [
    "gateway/edge/",
    "gateway/callers/",
    "gateway/options/",
    "gateway/shared/",
    "gateway/failure-flags.ts",
    "gateway/failures.ts",
    "gateway/grpc-statuses.ts",
    "gateway/steps.ts",
    "routing/",
  ],
  // Of releases the threads that count know the scale of latencies and the groups of callers.
  "gateway/shared/evidence-counts.ts": ["gateway/", "routing/release/statistics/"],
  "gateway/worker/": ["gateway/", "routing/"],
  "gateway/admin/": ["gateway/", "routing/release/", "routing/", "k8s/translate/"],
  "gateway/control/": [
    "gateway/",
    "routing/release/",
    "routing/",
    "k8s/translate/",
    "k8s/source/objects/source.ts",
    "k8s/source/objects/last-good.ts",
    "k8s/source/objects/passed-versions.ts",
    "k8s/source/http/",
  ],
  "gateway/tools/": [
    "gateway/",
    "routing/release/",
    "routing/",
    "k8s/translate/",
    "k8s/source/read.ts",
    "k8s/source/cluster/open.ts",
    "k8s/source/gateway-pods.ts",
  ],
  "gateway/api/": ["gateway/", "routing/release/", "routing/", "k8s/translate/"],
  "gateway/tools/check/": [
    "gateway/",
    "routing/release/",
    "routing/",
    "k8s/translate/",
    "k8s/source/read.ts",
    "k8s/problems/",
  ],
  "gateway/packing/": ["gateway/packing/"],
  // What the npm package gives to programs: only what is pure, so that it runs anywhere.
  "gateway/library/": ["gateway/library/", "routing/", "k8s/translate/", "k8s/problems/all.ts"],
  "gateway/pages/": ["gateway/", "routing/release/", "routing/", "k8s/"],
  "gateway/main.ts": ["gateway/", "routing/release/", "routing/", "k8s/"],
};

/**
 * The rooms of each floor, in order: a room may import those of the lines before its own, and nothing else of its floor. Rooms of one line know nothing of each other. A file beside
 * the rooms is a room of its own where it is named here; else it is at the top: it may import every room, and no room imports it.
 */
const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  // Each of the last three knows the first two and not the others.
  "routing/release": [
    ["grammar", "statistics"],
    ["rollout", "bandit", "compare"],
  ],
  routing: [["text", "collections"], ["request"], ["regex"], ["model"], ["route"], ["arena"], ["write"], ["release"]],
  "k8s/translate": [
    ["values", "collections"],
    ["fields"],
    ["model"],
    ["backends"],
    ["meaning"],
    ["deployments"],
    ["mappings"],
    ["platform"],
    ["documents"],
    ["declarers"],
    ["claims"],
    ["graph"],
    ["problems"],
  ],
  "k8s/source": [["objects", "http"], ["entries", "manifest", "api"], ["files"], ["folder", "cluster"]],
  gateway: [
    ["failure-flags.ts", "grpc-statuses.ts"],
    ["failures.ts", "schema"],
    ["options", "callers"],
    ["shared", "steps.ts"],
    ["api"],
    ["explain", "worker", "start-thread.ts"],
    ["supervisor"],
    ["admin", "demo"],
    ["control"],
    ["packing", "library"],
    ["tools", "edge"],
    ["commands.ts"],
    ["pages"],
  ],
  "gateway/edge": [
    ["io"],
    ["store"],
    ["fields", "feedback"],
    ["message"],
    ["tls", "hpack"],
    ["frames"],
    ["http1", "http2"],
    ["access"],
    ["balancing"],
    ["upstream"],
    ["identity"],
    ["limits"],
    ["steps"],
    ["external", "oauth"],
    ["policy"],
    ["shadow", "bodies", "forwarding"],
    ["exchange"],
    ["downstream"],
  ],
  "gateway/shared": [["metrics"], ["memory"]],
  "gateway/admin": [
    ["view", "sending", "access.ts"],
    ["connections.ts"],
    ["families", "event-streams.ts"],
    ["endpoint.ts"],
    ["answers.ts", "openapi.ts", "sorting.ts", "way-usage.ts"],
    ["cursor.ts"],
    ["joined.ts"],
    ["list.ts", "streaming.ts"],
    ["endpoints"],
  ],
  "gateway/callers": [["providers"]],
  "gateway/control": [
    ["part.ts"],
    [
      "slots",
      "upstreams",
      "callers",
      "certificates",
      "status",
      "failures",
      "comparisons",
      "publish",
      "changes",
      "leadership",
      "peers",
    ],
    ["releases"],
    ["measured"],
  ],
};

/** The one home of each package that sources import. A package that is not here has none. */
const homes: Readonly<Record<string, readonly string[]>> = {
  "@grpc/grpc-js": ["gateway/demo/"],
  "@grpc/proto-loader": ["gateway/demo/"],
  "@grpc/reflection": ["gateway/demo/grpc-server.ts"],
  "@kubernetes/client-node": ["k8s/source/api/kubeconfig-access.ts"],
  bcryptjs: ["gateway/edge/identity/password-thread.ts"],
  fastify: ["gateway/admin/"],
  ioredis: ["gateway/edge/store/ioredis-client.ts"],
  jose: ["gateway/edge/identity/"],
  "js-yaml": [
    "k8s/translate/values/yaml.ts",
    "k8s/source/",
    "gateway/schema/decode.ts",
    "gateway/pages/monitoring/rules.ts",
    "gateway/tools/output.ts",
  ],
  pino: ["gateway/shared/log.ts"],
  "prom-client": ["gateway/admin/"],
  re2js: ["routing/regex/regex.ts"],
  typebox: ["gateway/api/", "gateway/tools/gateway/"],
  ws: ["k8s/source/api/port-forward.ts"],
  rolldown: ["gateway/packing/pack.ts", "gateway/packing/npm-package.ts"],
};

const pure = ["routing/", "k8s/translate/"];
/** Of Node, the pure layers get hashes (the md5 rule of Seldon's names) and nothing that reads the world. */
const pureBuiltins = ["node:crypto"];
const impure =
  /\b(?:Date\.now|new Date|performance|Math\.random|random(?:UUID|Bytes|Int|FillSync)|set(?:Timeout|Interval|Immediate)|queueMicrotask|console|process|fetch|Atomics|SharedArrayBuffer|Intl|toLocale\w*|localeCompare)\b/;

/**
 * Methods of TLS sockets that end the process by a signal (Node 26.10: SIGSEGV, SIGABRT) when they are called after a handshake of TLS 1.2 was refused and the socket is closed,
 * which any client can bring about. `test/gateway/closed-tls-sockets.test.ts` says whether they still do.
 */
const deadly = /\b(?:getProtocol|getEphemeralKeyInfo)\b/;

/** A request by Node's client that ends whatever its server does is one of this file: elsewhere some wait would be without an end. */
const asks = "k8s/source/http/http-call.ts";
const rawRequest = /\bimport\s+(?:\w+|\*\s*as\s+\w+|\{[^}]*\b(?:request|get)\b[^}]*\})\s*from\s*"node:https?"/;
/** Files that may do so themselves. */
const asksThemselves = [asks, "gateway/edge/", "gateway/control/peers/", "gateway/tools/gateway/"];

/** Files that the data plane starts from: what they load at run time never reaches Kubernetes. */
const dataPlane = ["gateway/edge/", "gateway/worker/"];

export interface Import {
  readonly from: string;
  /** A path of ours from the root of the repository, a package, or `node:…`. */
  readonly to: string;
  /** Erased before it runs. */
  readonly type: boolean;
}

/** Imports and re-exports of a source, static and dynamic. */
export function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, type: boolean): void => {
    found.push({
      from: file,
      to: specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : specifier,
      type,
    });
  };
  const bare = withoutComments(text);
  for (const [, type, specifier] of bare.matchAll(
    /^[ \t]*(?:import|export)\b(\s+type\b)?[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  ))
    add(specifier!, type !== undefined);
  for (const [, specifier] of bare.matchAll(/^[ \t]*import\s*['"]([^'"]+)['"]/gm)) add(specifier!, false);
  for (const [, specifier] of bare.matchAll(/\b(?:import|require|getBuiltinModule)\s*\(\s*['"`]([^'"`]+)['"`]/g))
    add(specifier!, false);
  return found;
}

/** One line for each arrow that runs the wrong way in `sources` (text by path). */
export function violations(sources: ReadonlyMap<string, string>): string[] {
  const lines: string[] = [];
  const imports = new Map([...sources].map(([file, text]) => [file, importsOf(file, text)]));
  for (const [file, text] of sources) {
    for (const { to } of imports.get(file)!) {
      if (to === "gateway/main.ts") lines.push(`${file} imports gateway/main.ts, which is an entry only`);
      else if (isGuarded(file)) lines.push(...judge(file, to));
    }
    const world = startsWithAny(file, pure) ? impure.exec(withoutStrings(withoutComments(text))) : null;
    if (world !== null) lines.push(`${file} uses ${world[0]}: time, draws and I/O are arguments of the pure layers`);
    const signal = isGuarded(file) ? deadly.exec(withoutComments(text)) : null;
    if (signal !== null) lines.push(`${file} calls ${signal[0]}: it ends the process where a handshake was refused`);
    if (isGuarded(file) && !startsWithAny(file, asksThemselves) && rawRequest.test(withoutComments(text)))
      lines.push(`${file} sends requests by node:http itself: ask by ${asks}, so that every wait ends`);
    if (startsWithAny(file, dataPlane)) {
      for (const path of reached(file, imports))
        if (path.startsWith("k8s/"))
          lines.push(`${file} loads ${path} at run time: the data plane does not know Kubernetes`);
    }
  }
  return [...lines, ...openTables(sources), ...circlesOf(imports)];
}

/**
 * One line for each table of words that is asked for any word, and answers to `constructor` too: an object literal whose keys are any string, read as
 * `table[word]` (or any literal read as `table[word as …]`, or `word in table`), without `__proto__: null` in it (or a copy of another object, `{ ...other }`) and without `Object.hasOwn` in the file that asks.
 */
function openTables(sources: ReadonlyMap<string, string>): string[] {
  const guarded = [...sources]
    .filter(([file]) => isGuarded(file))
    .map(([file, text]) => [file, withoutStrings(withoutComments(text))] as const);
  const anyWord = String.raw`Record<string,|\{ readonly \[\w+: string\]`;
  const aliases = guarded.flatMap(([, text]) =>
    [...text.matchAll(new RegExp(String.raw`\btype (\w+) = [^=;{]*(?:${anyWord})`, "g"))].map(([, name]) => name!),
  );
  const open = new RegExp([anyWord, ...aliases.map((name) => String.raw`^:\s*${name}\s*$`)].join("|"));
  const lines: string[] = [];
  for (const [file, text] of guarded) {
    const declared = text.matchAll(
      /\b(export )?(?:const|let)\s+(\w+)(\s*:[^=;]*)?\s*=\s*(?:Object\.freeze\()?\{\s*(__proto__: null|\.\.\.)?/g,
    );
    for (const [, exported, name, type, closed] of declared) {
      if (closed !== undefined) continue;
      const isOpen = type !== undefined && open.test(type.trim());
      const asked = new RegExp(
        String.raw`(?<![.\w])${name!}\[${isOpen ? String.raw`(?!["'\d])[^\]]*\](?! \??\??= )` : String.raw`[^\]]* as (?!const)`}|(?<!\b(?:of|const|let) \w*|['"]) in ${name!}\b`,
      );
      for (const [asker, other] of guarded)
        if (
          (asker === file ||
            (exported !== undefined && new RegExp(String.raw`import [^;]*\b${name!}\b`).test(other))) &&
          asked.test(other) &&
          !other.includes(`Object.hasOwn(${name!},`)
        )
          lines.push(
            `${asker} asks ${name!} for any word: write __proto__: null in it, ask Object.hasOwn, or make it a Map`,
          );
    }
  }
  return lines;
}

/** One line for each home in which no file of `sources` imports its package. */
export function staleHomes(sources: ReadonlyMap<string, string>): string[] {
  const imports = [...sources].flatMap(([file, text]) => importsOf(file, text)).filter(({ from }) => isGuarded(from));
  const isUsed = (name: string, home: string): boolean =>
    imports.some(({ from, to }) => from.startsWith(home) && packageOf(to) === name);
  return Object.entries(homes).flatMap(([name, places]) =>
    places
      .filter((home) => !isUsed(name, home))
      .map((home) => `${name} has a home in ${home}, where nothing imports it`),
  );
}

/** One line for each circle of files that import each other, types counted (Tarjan's strongly connected components). */
function circlesOf(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const lines: string[] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    stack.push(file);
    for (const { to } of imports.get(file)!) {
      if (!imports.has(to)) continue;
      if (!order.has(to)) visit(to);
      if (stack.includes(to)) low.set(file, Math.min(low.get(file)!, low.get(to)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1 || imports.get(file)!.some(({ to }) => to === file))
      lines.push(`${circle.sort().join(", ")} import each other in a circle`);
  };
  for (const file of imports.keys()) if (isGuarded(file) && !order.has(file)) visit(file);
  return lines;
}

/** Why a file may not import another one of its floor; empty: it may. */
function judgeRooms(file: string, to: string): string[] {
  const lines: string[] = [];
  for (const [floor, rooms] of Object.entries(floors)) {
    if (!file.startsWith(`${floor}/`) || !to.startsWith(`${floor}/`)) continue;
    const rank = (room: string): number => rooms.findIndex((line) => line.includes(room));
    const roomOf = (path: string): string => path.slice(floor.length + 1).split("/")[0]!;
    const [from, target] = [roomOf(file), roomOf(to)];
    if (from === target) continue;
    const isTop = rank(from) < 0 && from.endsWith(".ts");
    if (rank(from) < 0 && !isTop) lines.push(`${file} is in no room of ${floor}`);
    else if (rank(target) < 0 && !target.endsWith(".ts")) lines.push(`${to} is in no room of ${floor}`);
    else if (isTop ? rank(target) < 0 && !to.endsWith(".ts") : rank(target) < 0 || rank(target) >= rank(from)) {
      lines.push(
        `${file} imports ${to}: ${isTop ? "the top" : `the room ${from}`} of ${floor} may import only rooms of the lines before it (${rooms.map((line) => line.join(" ")).join(" | ")})`,
      );
    }
  }
  return lines;
}

function judge(file: string, to: string): string[] {
  if (to.startsWith("node:")) {
    return startsWithAny(file, pure) && !pureBuiltins.includes(to)
      ? [`${file} imports ${to}: the pure layers touch nothing outside`]
      : [];
  }
  if (/^(?:gateway|routing|k8s|test|load)\//.test(to)) {
    const allowed = arrows[arrowOf(file)]!;
    if (allowed.some((target) => fits(to, target))) return judgeRooms(file, to);
    return [`${file} imports ${to}: ${arrowOf(file)} may import ${allowed.join(", ")}`];
  }
  if (to.startsWith("..")) return [`${file} imports ${to} from outside the repository`];
  if (to === "package.json") return [];
  const name = packageOf(to);
  const home = homes[name];
  if (home === undefined) return [`${file} imports ${name}, which has no home`];
  return startsWithAny(file, home) ? [] : [`${file} imports ${name}, whose home is ${home.join(", ")}`];
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** `gateway/*`: a file directly in `gateway`. Who may import `routing/` may not for that reason import `routing/release/`: the data plane and the table know no release. */
function fits(path: string, target: string): boolean {
  if (path.startsWith("routing/release/") && !target.startsWith("routing/release/")) return false;
  return target.endsWith("*") ? posix.dirname(path) === target.slice(0, -2) : path.startsWith(target);
}

function isGuarded(file: string): boolean {
  return !file.startsWith("test/") && !file.startsWith("load/");
}

function arrowOf(file: string): string {
  return Object.keys(arrows)
    .filter((prefix) => file.startsWith(prefix))
    .reduce((longest, prefix) => (prefix.length > longest.length ? prefix : longest), "");
}

/** Files of ours that loading `file` loads. */
function reached(file: string, imports: ReadonlyMap<string, readonly Import[]>): Set<string> {
  const seen = new Set<string>();
  const queue = [file];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const { to, type } of imports.get(next) ?? []) if (!type) queue.push(to);
  }
  return seen;
}

function startsWithAny(file: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => file.startsWith(prefix));
}

/** Comments to spaces, strings kept (a `//` in a string is none). */
function withoutComments(text: string): string {
  return text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/\*[^]*?\*\/|(?<![:\\])\/\/[^\n]*/g, (part) =>
    part.startsWith("/") ? " " : part,
  );
}

function withoutStrings(text: string): string {
  return text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\$]|\\.|\$(?!\{))*`/g, "''");
}
