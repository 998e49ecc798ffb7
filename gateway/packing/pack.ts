// Makes the packed form: the gateway and its packages as a few files of plain JavaScript, which is what its threads start from.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { rolldown, type MinifyOptions, type OutputChunk, type Plugin } from "rolldown";
import { commitOf, type Stamp } from "./commit.ts";
import { digestOf, inputsFile, otherInputs, staleReason } from "./inputs.ts";
import { bomOf } from "./bom.ts";
import { bundledPackages, noticesOf } from "./notices.ts";

/** Beside the code: the licences of its packages, and a list of them for programs. */
export const noticesFile = "NOTICES.txt";
export const bomFile = "sluice.cdx.json";

/** Majors of Node below it lack what the packed form uses. */
export const minNodeMajor = 24;

/** What a process is started with: all that it does is to load the entry of the newest generation. */
const startFile = "main.js";

/** What kubectl runs for `kubectl sluice …`. A file of its own: npx runs the first of several commands that are one file. */
export const pluginFile = "kubectl-sluice.js";
const pluginText = "#!/usr/bin/env node\nprocess.argv.splice(2, 0, 'kubectl');\nawait import('./main.js');\n";

/** Stands for the generation until all of its code is there to take the digest of. */
const generationMark = "__sluice_generation__";

/** What a process or a thread starts with: sources name it by a URL of their own, which becomes that of the packed entry. */
const entries = {
  main: "gateway/main.ts",
  "password-thread": "gateway/edge/identity/password-thread.ts",
};

/** The source that says which build runs: the packed form gets another one in its place. */
const buildFile = "gateway/shared/build.ts";

/**
 * What becomes of the code. Names of functions and classes stay: logs and stacks hold them, and the client of Redis tells its errors by them. Lines stay: an error that nobody
 * catches prints its own, which would be the whole file.
 */
export const minified: MinifyOptions = {
  compress: { keepNames: { function: true, class: true } },
  mangle: { keepNames: true },
  codegen: { removeWhitespace: false },
};

/** What belongs to a checkout and is not packed: the demo with its packages of gRPC, and what reads a kubeconfig and what it brings, which are looked for beside the packed form when they are asked for. */
const outside = [/^node:/, /^\.\.\/demo\/demo\.ts$/, /^@kubernetes\/client-node(?:\/|$)/, /^ws$/];

/**
 * Packs the sources under `root` into `folder`. Each file but the start names its generation, a digest of all code, and the generation before stays: a gateway that
 * runs starts its threads from what it was started from itself, whoever packs anew beside it. At any moment the folder holds what says that it fits and all that
 * does, or nothing says so. Rejects when a source cannot be packed. `stamp`: as package.json and git say, if it is not given.
 */
export async function pack(root: string, folder: string, stamp: Stamp | null = null): Promise<void> {
  const stamped = stamp ?? (await stampOf(root));
  const inputs = new Map<string, string>(otherInputs.map((path) => [path, ""]));
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)])),
    platform: "node",
    external: outside,
    tsconfig: false,
    plugins: [sources(root, inputs, stamped)],
    onLog(level, log) {
      // Of packages: they say what they are. A module that is also loaded at once needs no file of its own.
      if (level === "warn" && log.code !== "INEFFECTIVE_DYNAMIC_IMPORT" && log.id?.includes("node_modules") !== true)
        throw new Error(log.message);
    },
  });
  const { output } = await bundle.generate({
    format: "esm",
    entryFileNames: `[name]-${generationMark}.js`,
    chunkFileNames: `[name]-${generationMark}.js`,
    comments: false,
    minify: minified,
  });
  await bundle.close();
  const chunks = output.filter((one): one is OutputChunk => one.type === "chunk");
  const generation = digestOf(chunks.map(({ code }) => code).join("")).slice(0, 16);
  const made = `${folder}-${process.pid}`;
  await mkdir(made, { recursive: true });
  try {
    for (const { fileName, code } of chunks)
      await writeFile(join(made, ofGeneration(fileName, generation)), ofGeneration(code, generation));
    await writeFile(join(made, startFile), startText(generation), { mode: 0o755 });
    await writeFile(join(made, pluginFile), pluginText, { mode: 0o755 });
    const packages = await bundledPackages(chunks.flatMap(({ moduleIds }) => moduleIds));
    await writeFile(join(made, noticesFile), await noticesOf(packages));
    await writeFile(join(made, bomFile), await bomOf(root, stamped, packages));
    await writeFile(join(made, inputsFile), `${JSON.stringify(Object.fromEntries(inputs), null, 1)}\n`);
    // Somebody else may have packed the same meanwhile, and started from it.
    if (staleReason(root, folder) === null) return;
    await replace(
      folder,
      made,
      chunks.map(({ fileName }) => ofGeneration(fileName, generation)),
    );
  } catch (error) {
    if (staleReason(root, folder) !== null) throw error;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** It is a command, too. An older Node reads this much and says what it lacks, not where it stumbled. */
function startText(generation: string): string {
  return `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < ${minNodeMajor}) {
  process.stderr.write('sluice: Node ${minNodeMajor} or later is needed, and this is Node ' + process.versions.node + '\\n');
  process.exitCode = 1;
} else await import('./main-${generation}.js');
`;
}

/** As package.json and git say. */
export async function stampOf(root: string): Promise<Stamp> {
  const { version = "0.0.0" } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Partial<Stamp>;
  return { version, commit: await commitOf(root) };
}

function ofGeneration(text: string, generation: string): string {
  return text.replaceAll(generationMark, generation);
}

/** Puts the files of `made` into `folder`, one by one: `modules`, then what starts them, at last what says that all of it fits. Of what was there the generation before stays. */
async function replace(folder: string, made: string, modules: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = await generationIn(folder);
  await rm(join(folder, inputsFile), { force: true });
  const files = [...modules, startFile, pluginFile, noticesFile, bomFile, inputsFile];
  for (const file of files) await rename(join(made, file), join(folder, file));
  for (const file of await readdir(folder))
    if (!files.includes(file) && !file.endsWith(`-${before}.js`))
      await rm(join(folder, file), { recursive: true, force: true });
}

/** The generation that is started from `folder`; "none": no packed form is there. */
async function generationIn(folder: string): Promise<string> {
  const start = await readFile(join(folder, startFile), "utf8").catch(() => "");
  return /import\('\.\/main-([0-9a-f]+)\.js'\)/.exec(start)?.[1] ?? "none";
}

/** Takes the digest of each own source that is read, makes a thread's entry the packed one, and says which build it is. */
function sources(root: string, inputs: Map<string, string>, stamp: Stamp): Plugin {
  return {
    name: "sources",
    async buildStart() {
      for (const path of otherInputs) inputs.set(path, digestOf(await readFile(join(root, path))));
    },
    transform: {
      filter: { id: { exclude: /[\\/]node_modules[\\/]/ } },
      handler(code, id) {
        if (id.startsWith("\0")) return null;
        const path = relative(root, id);
        inputs.set(path, digestOf(code));
        if (path === buildFile)
          return `export const build = ${JSON.stringify({ ...stamp, digest: generationMark })};\n`;
        return code.replaceAll(/new URL\(["']([^"']+)\.ts["'], import\.meta\.url\)/g, (_, name: string) => {
          if (!Object.hasOwn(entries, name))
            throw new Error(
              `${path} starts ${name}.ts, which is no entry of the packed form: write it into gateway/packing/pack.ts`,
            );
          return `new URL('${name}-${generationMark}.js', import.meta.url)`;
        });
      },
    },
  };
}
