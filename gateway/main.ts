#!/usr/bin/env node
// Entry of every thread and every command. The only file that knows both sides: it gives the control worker its Source and a data worker
// its DataPlane. Imports are lazy, so that each thread and command loads what it needs and nothing else.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { Source } from "../k8s/source/objects/source.ts";
import { visible } from "../routing/text/visible.ts";
import { platformNamespaces } from "../k8s/translate/platform/platform.ts";
import type { CredentialLook } from "./callers/shown.ts";
import type { LimitLook, LimitMemory } from "./shared/memory/limit-memory.ts";
import type { Log } from "./shared/log.ts";
import type { ThreadStart } from "./shared/messages.ts";
import type { Settings } from "./options/settings.ts";

// libuv makes its threads when the first is needed, which is later. Half of them may look names up, and a name whose servers are silent holds one
// for half a minute: of its own 4, two such names took all that may, and nobody else's name was found. The rest is for files.
process.env["UV_THREADPOOL_SIZE"] ??= "16";

async function runProcess([written, ...argv]: readonly string[]): Promise<number> {
  const { commandsOf, usageOf } = await import("./commands.ts");
  const commands = commandsOf(openLook);
  // Of kubectl-sluice, which kubectl runs for `kubectl sluice …`.
  if (written === "kubectl") return (await import("./tools/kubectl/plugin.ts")).runPlugin(commands, argv);
  // `sluice help NAME` is `sluice NAME --help`.
  const [helped] = argv;
  if (written === "help" && helped !== undefined) return runProcess([helped, "--help"]);
  if (written === undefined || ["--help", "-h", "help"].includes(written)) {
    (await import("./tools/terminal/print.ts")).print(usageOf(commands));
    return written === undefined ? 2 : 0;
  }
  const name = written === "--version" ? "version" : written;
  const found = commands.find((one) => one.name === name);
  if (found === undefined) {
    const names = commands.map((one) => one.name);
    const { nearWord } = await import("../routing/text/near-word.ts");
    const meant = nearWord(name, names);
    const advice = meant === null ? `write one of ${names.join(", ")}` : `did you mean ${meant}?`;
    process.stderr.write(`sluice: unknown command "${visible(name)}": ${advice}\n`);
    return 2;
  }
  const [{ runCommand }, command] = await Promise.all([import("./tools/run-command.ts"), found.load()]);
  return runCommand(name, command, argv);
}

async function runThread(start: ThreadStart): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("a worker without a parent");
  if (start.kind === "control") {
    const { startControl } = await import("./control/control.ts");
    await startControl(start, (log) => openSource(start.settings, log), openLook, openLimits, port);
  } else {
    const { startDataWorker } = await import("./worker/worker.ts");
    const { DataPlane } = await import("./edge/plane.ts");
    await startDataWorker(start, port, (plane) => new DataPlane(plane));
  }
}

/** Checks the credentials of requests to explain as the data plane does, so it is there. */
async function openLook(): Promise<CredentialLook> {
  const { ShownCredentials } = await import("./edge/identity/shown-credentials.ts");
  return new ShownCredentials();
}

/** What is left of limits is read as data workers count it. */
async function openLimits(memory: LimitMemory): Promise<LimitLook> {
  const { ShownLimits } = await import("./edge/limits/shown-limits.ts");
  return new ShownLimits(memory);
}

async function openSource(settings: Settings, log: Log): Promise<Source> {
  const { source, namespaces, singleNamespace, mappings } = settings;
  if (source.kind === "folder") {
    const { folderSource } = await import("../k8s/source/folder/folder.ts");
    return folderSource({
      folders: source.folders,
      defaultNamespace: singleNamespace ?? "default",
      releasesFile: source.releasesFile,
      pollMs: 10_000,
    });
  }
  const { openCluster } = await import("../k8s/source/cluster/open.ts");
  const { access, snapshotFile, releases } = source;
  const choice = {
    access,
    namespaces,
    mappings,
    platformNamespaces: platformNamespaces(settings),
    releases,
    once: false,
  };
  if (snapshotFile === null) return openCluster({ ...choice, lastGood: null });
  const { SnapshotFile, snapshotTimes } = await import("./control/snapshot-file.ts");
  const lastGood = new SnapshotFile({
    file: snapshotFile,
    scope: JSON.stringify([access, namespaces]),
    times: snapshotTimes,
    log,
  });
  return openCluster({ ...choice, lastGood });
}

if (isMainThread) process.exitCode = await runProcess(process.argv.slice(2));
else await runThread(workerData as ThreadStart);
