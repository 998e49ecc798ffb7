// Makes the packed form: the gateway and its packages as a few files of plain JavaScript, which is what its threads start from.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import type { OutputChunk, Plugin } from 'rolldown';
import { digestOf, inputsFile, otherInputs, staleReason } from './inputs.ts';
import { noticesOf } from './notices.ts';

const noticesFile = 'NOTICES.txt';

/** What a process or a thread starts with: sources name it by a URL of their own, beside which the packed entry lies under the same name. */
const entries = {
  main: 'gateway/main.ts',
  'reading-thread': 'k8s/source/reading-thread.ts',
  'password-thread': 'gateway/edge/identity/password-thread.ts',
};

/** What belongs to a checkout and is not packed: the demo with its gRPC, and what reads a kubeconfig, which is looked for beside the packed form when it is asked for. */
const outside = [/^node:/, /^\.\/demo\/demo\.ts$/, /^@kubernetes\/client-node(?:\/|$)/];

/**
 * Packs the sources under `root` into `folder`. At any moment it holds what says that it fits and all that does, or nothing says so: whoever starts from
 * it meanwhile, because somebody else has packed the same, finds every file. Rejects when a source cannot be packed.
 */
export async function pack(root: string, folder: string): Promise<void> {
  const inputs = new Map<string, string>(otherInputs.map((path) => [path, '']));
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)])),
    platform: 'node',
    external: outside,
    tsconfig: false,
    plugins: [sources(root, inputs)],
    onLog(level, log) {
      // Of packages: they say what they are. A module that is also loaded at once needs no file of its own.
      if (level === 'warn' && log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT' && log.id?.includes('node_modules') !== true) throw new Error(log.message);
    },
  });
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    comments: false,
    // Names of functions and classes stay: logs and stacks hold them, and the client of Redis tells its errors by them. Lines stay: an error that nobody catches prints its own,
    // which would be the whole file.
    minify: { compress: { keepNames: { function: true, class: true } }, mangle: { keepNames: true }, codegen: { removeWhitespace: false } },
  });
  await bundle.close();
  const chunks = output.filter((one): one is OutputChunk => one.type === 'chunk');
  const made = `${folder}-${process.pid}`;
  await mkdir(made, { recursive: true });
  try {
    // The entry is a command, too: mode 755, and the line of gateway/main.ts that says what runs it.
    for (const { fileName, code, isEntry } of chunks) await writeFile(join(made, fileName), code, { mode: isEntry ? 0o755 : 0o644 });
    await writeFile(join(made, noticesFile), await noticesOf(chunks.flatMap(({ moduleIds }) => moduleIds)));
    await writeFile(join(made, inputsFile), `${JSON.stringify(Object.fromEntries(inputs), null, 1)}\n`);
    // Somebody else may have packed the same meanwhile, and started from it.
    if (staleReason(root, folder) === null) return;
    await replace(folder, made, [...chunks.filter(({ isEntry }) => !isEntry), ...chunks.filter(({ isEntry }) => isEntry)].map(({ fileName }) => fileName));
  } catch (error) {
    if (staleReason(root, folder) !== null) throw error;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** Puts the files of `made` into `folder`, one by one over those of their names: `modules` in this order, at last what says that all of it fits. */
async function replace(folder: string, made: string, modules: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await rm(join(folder, inputsFile), { force: true });
  const files = [...modules, noticesFile, inputsFile];
  for (const file of files) await rename(join(made, file), join(folder, file));
  for (const file of await readdir(folder)) if (!files.includes(file)) await rm(join(folder, file), { recursive: true, force: true });
}

/** Takes the digest of each own source that is read, and makes a thread's entry the packed one. */
function sources(root: string, inputs: Map<string, string>): Plugin {
  return {
    name: 'sources',
    async buildStart() {
      for (const path of otherInputs) inputs.set(path, digestOf(await readFile(join(root, path))));
    },
    transform: {
      filter: { id: { exclude: /[\\/]node_modules[\\/]/ } },
      handler(code, id) {
        if (id.startsWith('\0')) return null;
        const path = relative(root, id);
        inputs.set(path, digestOf(code));
        return code.replaceAll(/new URL\('([^']+)\.ts', import\.meta\.url\)/g, (_, name: string) => {
          if (!Object.hasOwn(entries, name)) throw new Error(`${path} starts ${name}.ts, which is no entry of the packed form: write it into gateway/packing/pack.ts`);
          return `new URL('${name}.js', import.meta.url)`;
        });
      },
    },
  };
}
