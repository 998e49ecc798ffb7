#!/usr/bin/env node
// Entry of every thread and every command. The only file that knows both sides: it gives the control worker its Source and a data worker
// its DataPlane. Imports are lazy, so that each thread and command loads what it needs and nothing else.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { Source } from "../k8s/source/objects/source.ts";
import { platformNamespaces } from "../k8s/translate/platform/platform.ts";
import type { CredentialLook } from "./callers/shown.ts";
import type { Log } from "./shared/log.ts";
import type { DataStart, FromData, ThreadStart } from "./shared/messages.ts";
import type { Settings } from "./options/settings.ts";

// libuv makes its threads when the first is needed, which is later. Half of them may look names up, and a name whose servers are silent holds one
// for half a minute: of its own 4, two such names took all that may, and nobody else's name was found. The rest is for files.
process.env["UV_THREADPOOL_SIZE"] ??= "16";

/**
 * A command gets the arguments after its name and answers with the exit code: 0 well, 1 it could not be done (one clear line on standard
 * error), 2 wrong use (one line that says what to write instead). Each prints its own text for `--help` and answers 0.
 */
type Run = (argv: readonly string[]) => Promise<number>;

interface Command {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Run>;
}

const commands: readonly Command[] = [
  {
    name: "serve",
    summary: "serve the models of a cluster or of a folder of manifests",
    load: async () => (await import("./supervisor/serve.ts")).serve,
  },
  { name: "demo", summary: "start model servers and a gateway, and send requests through it", load: loadDemo },
  {
    name: "check",
    summary: "print the Problems of manifests",
    load: async () => (await import("./tools/check.ts")).check,
  },
  {
    name: "routes",
    summary: "print the routing table of manifests or of a running gateway",
    load: async () => (await import("./tools/routes.ts")).routes,
  },
  {
    name: "explain",
    summary: "show where one request goes, and why",
    load: async () => (await import("./tools/explain.ts")).explainCommand(openLook),
  },
  {
    name: "oauth",
    summary: "revoke tokens of the OAuth gateway",
    load: async () => (await import("./tools/oauth.ts")).oauth,
  },
  {
    name: "who",
    summary: "show who may call each deployment, and which object says so",
    load: async () => (await import("./tools/who.ts")).who,
  },
  { name: "version", summary: "print the version", load: async () => printVersion },
];

/** The demo's gRPC needs development packages, and the image has neither those nor the demo. */
async function loadDemo(): Promise<Run> {
  try {
    return (await import("./demo/demo.ts")).demo;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) throw error;
    return async () => {
      process.stderr.write("sluice: the demo needs the packages of a checkout: run npm run demo in one\n");
      return 1;
    };
  }
}

async function runCommand(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(usage());
    return name === undefined ? 2 : 0;
  }
  const command = commands.find((one) => one.name === (name === "--version" ? "version" : name));
  if (command === undefined) {
    process.stderr.write(
      `sluice: unknown command "${name}": write one of ${commands.map((one) => one.name).join(", ")}\n`,
    );
    return 2;
  }
  const run = await command.load();
  return run(rest);
}

function usage(): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(9)}${summary}\n`).join("");
  return `sluice: an ingress gateway for Seldon Core\n\nUse: sluice COMMAND [options]\n\n${lines}\nRun sluice COMMAND --help for its options.\n`;
}

async function printVersion(argv: readonly string[]): Promise<number> {
  if (argv.length > 0 && argv[0] !== "--help") {
    process.stderr.write("sluice: version takes no arguments: write sluice version\n");
    return 2;
  }
  const { default: description } = await import("../package.json", { with: { type: "json" } });
  process.stdout.write(
    argv[0] === "--help" ? "Use: sluice version\n\nPrints the version.\n" : `sluice ${description.version}\n`,
  );
  return 0;
}

async function runThread(start: ThreadStart): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("a worker without a parent");
  if (start.kind === "control") {
    const { startControl } = await import("./control/control.ts");
    await startControl(start, (log) => openSource(start.settings, log), openLook, port);
  } else {
    const { startDataWorker } = await import("./worker/worker.ts");
    const { DataPlane } = await import("./edge/plane.ts");
    const serve = async (place: DataStart): Promise<void> => {
      // Whatever ends it, but for `terminate` and a full heap: nothing of ours runs after this.
      process.once("exit", () => port.postMessage({ kind: "leaving" } satisfies FromData));
      return startDataWorker(place, port, (plane) => new DataPlane(plane));
    };
    if (start.kind === "data") return serve(start);
    const { waitForPlace } = await import("./worker/spare.ts");
    const { rehearse } = await import("./worker/rehearsal.ts");
    await rehearse(start, (plane) => new DataPlane(plane));
    await waitForPlace(port, serve);
  }
}

/** Who looks at credentials of requests that are explained: as the data plane does, so it is there. */
async function openLook(): Promise<CredentialLook> {
  const { ShownCredentials } = await import("./edge/identity/shown-credentials.ts");
  return new ShownCredentials();
}

async function openSource(settings: Settings, log: Log): Promise<Source> {
  const { source, namespaces, singleNamespace, mappings } = settings;
  if (source.kind === "folder") {
    const { folderSource } = await import("../k8s/source/folder/folder.ts");
    return folderSource({
      folders: source.folders,
      defaultNamespace: singleNamespace ?? "default",
      claimsFile: source.claimsFile,
      pollMs: 10_000,
    });
  }
  const { openCluster } = await import("../k8s/source/cluster/open.ts");
  const { access, snapshotFile, claims } = source;
  const choice = {
    access,
    namespaces,
    mappings,
    platformNamespaces: platformNamespaces(settings),
    claims,
    once: false,
  };
  if (snapshotFile === null) return openCluster({ ...choice, lastGood: null });
  const { SnapshotFile, snapshotTimes } = await import("./control/handover/snapshot-file.ts");
  const lastGood = new SnapshotFile({
    file: snapshotFile,
    scope: JSON.stringify([access, namespaces]),
    times: snapshotTimes,
    log,
  });
  return openCluster({ ...choice, lastGood });
}

if (isMainThread) process.exitCode = await runCommand(process.argv.slice(2));
else await runThread(workerData as ThreadStart);
