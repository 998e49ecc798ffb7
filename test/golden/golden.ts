// Golden cases: manifests and requests in, the printed table, Problems and decisions out.
//
// A case is a folder: input.yaml, applied first; input.2.yaml, input.3.yaml … each replaces it (as an edit of the file would, in a gateway that runs);
// requests.txt, one request a line as `METHOD TARGET -H 'name: value' …`, METHOD `GRPC` for a gRPC call; and, where the case needs them, grants.yaml, policy.yaml
// and options.txt with options of `sluice check`; cluster.txt, a note, where the objects come from a cluster; export.txt, a note, where Services without EndpointSlices are ready, as the tools have it. expected.txt is what `UPDATE_GOLDEN=1` writes and a person has read.
import { operator } from "../../gateway/api/viewer.ts";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { guardProblems } from "../../gateway/callers/guard-problems.ts";
import { readPolicyOfFiles } from "../../gateway/callers/read-policy.ts";
import { ShownCredentials } from "../../gateway/edge/identity/shown-credentials.ts";
import { printExplanation } from "../../gateway/explain/explanation.ts";
import { explainShown } from "../../gateway/explain/explanation-shown.ts";
import { declaredHosts } from "../../gateway/explain/host-words.ts";
import { inSigns } from "../../gateway/explain/match-words.ts";
import { readCommandLine } from "../../gateway/options/command-line.ts";
import { build, manifestOptions, readSettings, secretsOf, type Served } from "../../gateway/tools/manifests.ts";
import { readRequest } from "../../gateway/tools/request.ts";
import { translateSettingsOf } from "../../gateway/options/translate-settings.ts";
import { Declarations } from "../../k8s/source/files/declarations.ts";
import { parseManifest } from "../../k8s/source/manifest/manifest.ts";
import { Translator } from "../../k8s/translate/translator.ts";
import { printTable } from "../../routing/print.ts";
import { printProblem } from "../../routing/text/problem.ts";
import type { Settings } from "../../gateway/options/settings.ts";

/** Names of all cases. */
export function goldenCases(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** What the case gives now, in the form of its expected.txt. */
export async function runCase(folder: string): Promise<string> {
  const settings = await settingsOf(folder);
  const declared = await readPolicyOfFiles(settings.policyFile);
  if (typeof declared === "string") throw new Error(declared);
  const translator = new Translator({
    ...translateSettingsOf(settings, [], existsSync(join(folder, "export.txt")) ? "ready" : "unready"),
    ...(existsSync(join(folder, "cluster.txt")) ? { source: "cluster" as const } : {}),
  });
  const declarations = new Declarations();
  const requests = readFileSync(join(folder, "requests.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "");
  const sections: string[] = [];
  let before: ReturnType<typeof parseManifest>["objects"] = [];
  for (const file of inputsOf(folder)) {
    const manifest = parseManifest(readFileSync(join(folder, file)), {
      file,
      defaultNamespace: settings.singleNamespace ?? "default",
      lastGood: before,
    });
    declarations.replace(before, manifest.objects);
    before = manifest.objects;
    translator.apply(declarations.changes());
    const { policy, absent: unread } = declared.held(secretsOf(manifest.objects), "error");
    const served = {
      ...build(translator.current(), [
        ...manifest.problems,
        ...declarations.problems(),
        ...guardProblems(translator.guards(), policy),
      ]),
      policy,
      unread,
    };
    if (file !== "input.yaml") sections.push(`######## ${file}\n`);
    sections.push(printServed(served));
    for (const line of requests) sections.push(`> ${line}\n${await printRequest(served, settings.oauth, line)}`);
  }
  return sections.join("\n");
}

function inputsOf(folder: string): string[] {
  const later = readdirSync(folder)
    .filter((name) => /^input\.\d\.yaml$/.test(name))
    .sort();
  return ["input.yaml", ...later];
}

async function settingsOf(folder: string): Promise<Settings> {
  const argv = existsSync(join(folder, "options.txt"))
    ? readFileSync(join(folder, "options.txt"), "utf8")
        .split(/\s+/)
        .filter((word) => word !== "")
    : [];
  if (existsSync(join(folder, "policy.yaml"))) argv.push("--policy", join(folder, "policy.yaml"));
  if (existsSync(join(folder, "grants.yaml"))) argv.push("--grants", join(folder, "grants.yaml"));
  const parsed = readCommandLine(manifestOptions, argv, {});
  if (parsed.kind !== "parsed")
    throw new Error(`${folder}/options.txt: ${parsed.kind === "wrong" ? parsed.sentence : parsed.kind}`);
  const read = await readSettings(parsed);
  if (read.kind !== "settings") throw new Error(`${folder}: ${read.sentence}`);
  return read.settings;
}

function printServed({ table, problems }: Omit<Served, "read" | "objects" | "originOf">): string {
  // Problems of the table are in the list: printed once, not under their Routes as well.
  const routes = printTable(table, () => []);
  return `${routes === "" ? "(no Routes)\n" : routes}\n## Problems\n${problems.length === 0 ? "(none)\n" : problems.map((problem) => `${printProblem(problem)}\n`).join("")}`;
}

async function printRequest(
  { table, translation, policy, unread }: Omit<Served, "read" | "objects" | "originOf">,
  oauth: boolean,
  line: string,
): Promise<string> {
  const [, method, target, rest] = /^(\S+) (.+?)((?: -H '[^']*')*)$/.exec(line) ?? [];
  if (method === undefined || target === undefined) throw new Error(`not a request: ${line}`);
  const headers = [...rest!.matchAll(/ -H '([^']*)'/g)].map(([, header]) => header!);
  const grpc = method === "GRPC";
  const read = readRequest({ method: grpc ? null : method, headers, grpc, target });
  if (read.kind === "wrong") return `  wrong use: ${read.sentence}\n`;
  const credentials = new ShownCredentials();
  const parts = {
    translation,
    bodyBytes: 0,
    policy,
    as: null,
    oauth,
    trustedHops: null,
    unread,
    hosts: declaredHosts(translation.hosts),
    wording: inSigns,
    viewer: operator,
    measuredOf: () => null,
  };
  const text = printExplanation(await explainShown(table, read.request, parts, async () => credentials));
  credentials.close();
  return text;
}
