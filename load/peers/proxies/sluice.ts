// Sluice itself, as it is run: `sluice serve` on a folder of manifests or on a cluster.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeManifests } from "../manifests.ts";
import { freePort, start, untilListening, type Program } from "../process.ts";
import type { Peer, PeerKind, Stage } from "./peer.ts";

const tree = fileURLToPath(new URL("../../..", import.meta.url));

export interface SluiceOptions {
  /** null: the cluster that `environment` names. */
  readonly manifests: string | null;
  readonly workers: number;
  /** null or absent: any. */
  readonly core?: number | null;
  readonly logFile: string;
  /** Root of the source that is run; absent: this one. */
  readonly tree?: string;
  /** Options of Node, such as --cpu-prof. */
  readonly nodeOptions?: readonly string[];
  /** More options of `serve`. */
  readonly serveOptions?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Sluice extends Program {
  readonly port: number;
  readonly adminPort: number;
  /** From the start of the process to /readyz 200. */
  readonly readyMs: number;
}

export async function startSluice(options: SluiceOptions): Promise<Sluice> {
  const port = await freePort();
  const adminPort = await freePort();
  const entry = entryOf(options.tree ?? tree);
  const startedMs = performance.now();
  const program = start({
    program: process.execPath,
    arguments: [
      ...(options.nodeOptions ?? []),
      entry,
      "serve",
      ...(options.manifests === null ? [] : ["--folder", options.manifests]),
      "--listen",
      `127.0.0.1:${port}`,
      "--admin",
      `127.0.0.1:${adminPort}`,
      "--workers",
      String(options.workers),
      ...(options.serveOptions ?? []),
    ],
    core: options.core ?? null,
    realTime: false,
    logFile: options.logFile,
    environment: { NODE_ENV: "production", MALLOC_ARENA_MAX: "2", ...options.environment },
  });
  await untilReady(program, adminPort);
  return { ...program, port, adminPort, readyMs: performance.now() - startedMs };
}

/** What the image runs: the packed form, made first where it does not fit the sources. Of a checkout that has no packing yet, its sources. */
function entryOf(source: string): string {
  const packing = join(source, "gateway", "packing", "main.ts");
  if (!existsSync(packing)) return join(source, "gateway", "main.ts");
  execFileSync(process.execPath, [packing], { stdio: "inherit" });
  return join(source, "packed", "main.js");
}

/** Every worker serves the table: `/readyz` answers 200. */
async function untilReady(program: Program, adminPort: number): Promise<void> {
  await untilListening(program, adminPort);
  const deadlineMs = performance.now() + 60_000;
  while (!(await isReady(adminPort))) {
    if (performance.now() > deadlineMs) throw new Error(`not ready in 60 s: see ${program.logFile}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** While the control thread reads everything, the admin port may end a connection that it has not read from in time. */
async function isReady(adminPort: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status === 200;
  } catch {
    return false;
  }
}

/** What a Sluice has besides the manifests of the fleet. */
export interface Prepared {
  readonly serveOptions: readonly string[];
  /** Where its clients come in; null: at its plain port. */
  readonly port: number | null;
}

/** Sluice with one worker. `prepare` writes what it needs besides the manifests in the folder that it is given, or more of these. */
export function sluiceWith(
  name: string,
  does: string,
  prepare: (stage: Stage, manifests: string) => Promise<Prepared> | Prepared,
  source = tree,
): PeerKind {
  return {
    name,
    does,
    rewrites: true,
    splits: true,
    async start(stage: Stage): Promise<Peer> {
      const manifests = join(stage.folder, "manifests");
      writeManifests(manifests, stage.fleet);
      const { serveOptions, port } = await prepare(stage, manifests);
      const started = await startSluice({
        manifests,
        workers: 1,
        core: stage.core,
        logFile: join(stage.folder, "sluice.log"),
        tree: source,
        serveOptions,
      });
      if (port !== null) await untilListening(started, port);
      return { ...started, name, port: port ?? started.port };
    },
  };
}

const plain = (): Prepared => ({ serveOptions: [], port: null });

export const sluice: PeerKind = sluiceWith(
  "sluice",
  "all of it: SeldonDeployments in a folder, split 75/25, rewrite, x-request-id, x-forwarded-*, counters for each deployment",
  plain,
);

export const otherPrefix = "sluice:";

/** `sluice:FOLDER`: Sluice from another checkout, such as the state before a change; null: the name is none of these. */
export function otherSluice(name: string): PeerKind | null {
  if (!name.startsWith(otherPrefix)) return null;
  const source = name.slice(otherPrefix.length);
  return sluiceWith(`sluice-${basename(source)}`, `Sluice in another checkout, ${basename(source)}`, plain, source);
}
