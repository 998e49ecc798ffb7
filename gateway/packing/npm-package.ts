// The npm package: the packed form as the command `sluice`, and two libraries with their types. It depends on nothing, so that it installs from its file alone.
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { rolldown, type OutputChunk } from "rolldown";
import { bundledPackages } from "./notices.ts";
import { bomFile, minified, minNodeMajor, noticesFile, pluginFile } from "./pack.ts";

/** What a program imports as `sluice/NAME`, and the source of it. */
const libraries = { routing: "gateway/library/routing.ts", "k8s/translate": "gateway/library/translate.ts" } as const;

/** Of package.json of the checkout. */
interface Description {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Reads a kubeconfig, where somebody has installed it beside the gateway. */
const kubeconfigReader = "@kubernetes/client-node";

/**
 * Writes the tarball into `out`, from the packed form in `packed`, which fits the sources under `root`. Gives its path. `repository`: where the sources are, as a URL of
 * git, which a proof of provenance compares; null: not said.
 */
export async function makeNpmPackage(
  root: string,
  packed: string,
  out: string,
  repository: string | null,
): Promise<string> {
  const stage = await mkdtemp(join(tmpdir(), "sluice-npm-"));
  try {
    const description = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Description;
    for (const file of await packedFiles(packed)) await copyFile(join(packed, file), join(stage, file));
    for (const file of ["main.js", pluginFile]) await chmod(join(stage, file), 0o755);
    await writeLibraries(root, packed, stage);
    await writeTypes(root, stage);
    await copyFile(join(root, "gateway/packing/npm-readme.md"), join(stage, "README.md"));
    await copyFile(join(root, "LICENSE"), join(stage, "LICENSE"));
    await writeFile(join(stage, "package.json"), `${JSON.stringify(manifestOf(description, repository), null, 2)}\n`);
    await mkdir(out, { recursive: true });
    const { stdout } = await run(
      "npm",
      ["pack", "--json", "--offline", "--ignore-scripts", "--pack-destination", out],
      stage,
    );
    const [made] = JSON.parse(stdout) as readonly { readonly filename: string }[];
    return join(out, made!.filename);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

function manifestOf(
  { name, version, description, license, devDependencies }: Description,
  repository: string | null,
): object {
  return {
    name,
    version,
    description,
    license,
    keywords: ["seldon-core", "ingress", "gateway", "ambassador", "kubernetes"],
    ...(repository === null ? {} : { repository: { type: "git", url: repository } }),
    type: "module",
    bin: { "kubectl-sluice": pluginFile, sluice: "main.js" },
    exports: {
      ...Object.fromEntries(
        Object.entries(libraries).map(([library, source]) => [
          `./${library}`,
          { types: `./types/${source.replace(/\.ts$/, ".d.ts")}`, default: `./library/${library}.js` },
        ]),
      ),
      "./package.json": "./package.json",
    },
    peerDependencies: { [kubeconfigReader]: `^${devDependencies[kubeconfigReader]!}` },
    peerDependenciesMeta: { [kubeconfigReader]: { optional: true } },
    engines: { node: `>=${minNodeMajor}` },
  };
}

/** Of the generation that is started, and what is beside it: the one before and the digests of the sources stay. */
async function packedFiles(packed: string): Promise<readonly string[]> {
  const [, generation] = /'\.\/main-([0-9a-f]+)\.js'/.exec(await readFile(join(packed, "main.js"), "utf8"))!;
  const beside = ["main.js", pluginFile, noticesFile, bomFile];
  return (await readdir(packed)).filter(
    (file) => beside.includes(file) || (file.endsWith(".js") && file.includes(`-${generation!}`)),
  );
}

async function writeLibraries(root: string, packed: string, stage: string): Promise<void> {
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(Object.entries(libraries).map(([name, source]) => [name, join(root, source)])),
    platform: "node",
    external: [/^node:/],
    tsconfig: false,
  });
  const { output } = await bundle.write({
    dir: join(stage, "library"),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name].js",
    comments: false,
    minify: minified,
  });
  await bundle.close();
  const chunks = output.filter((one): one is OutputChunk => one.type === "chunk");
  const notices = await readFile(join(packed, noticesFile), "utf8");
  for (const { name, version } of await bundledPackages(chunks.flatMap(({ moduleIds }) => moduleIds)))
    if (!notices.includes(`${name} ${version} (`))
      throw new Error(`a library holds ${name} ${version}, whose licence is not in ${noticesFile}`);
}

/** One declaration file for each source that a library reaches. */
async function writeTypes(root: string, stage: string): Promise<void> {
  const types = join(stage, "types");
  const config = join(stage, "tsconfig.json");
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        outDir: types,
        rootDir: root,
        typeRoots: [join(root, "node_modules/@types")],
      },
      files: Object.values(libraries).map((source) => join(root, source)),
      include: [],
    }),
  );
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], root);
  await rm(config);
  for (const file of await readdir(types, { recursive: true })) {
    if (!file.endsWith(".d.ts")) continue;
    const text = await readFile(join(types, file), "utf8");
    // Sources name each other by .ts, which a compiler of somebody else may not allow; and a program needs no types of Node to read a Buffer, which is a Uint8Array.
    const plain = text
      .replaceAll(/(?<=(?:from |import\(|module )"\.[^"\n]*)\.ts(?=")/g, ".js")
      .replaceAll(/\bBuffer\b/g, "Uint8Array");
    await writeFile(join(types, file), plain);
  }
}

async function run(program: string, argv: readonly string[], cwd: string): Promise<{ readonly stdout: string }> {
  try {
    return await promisify(execFile)(program, argv, { cwd, maxBuffer: 64 << 20 });
  } catch (error) {
    const {
      stdout = "",
      stderr = "",
      message,
    } = error as Error & { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${program} failed: ${stderr || stdout || message}`, { cause: error });
  }
}
