// `sluice demo`: model servers, a folder of manifests, the gateway as `serve` starts it, requests through it, and lines to copy.
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "../options/command.ts";
import { chosenOf, serveConfig } from "../options/config.ts";
import type { Address } from "../options/option.ts";
import { startGateway } from "../supervisor/start-gateway.ts";
import { annotatedTraffic, manifests, policyText, writeManifests, type ModelPorts } from "./manifests.ts";
import { checks } from "./checks.ts";
import type { Finding, Stage } from "./stage.ts";
import { timedChecks } from "./timed-checks.ts";
import { linesToCopy } from "./lines.ts";
import { Model } from "./models.ts";
import type { LogEnd, LogLine } from "../shared/log.ts";
import { levelOf } from "../shared/log-events.ts";
import { whenNpmGoes } from "../supervisor/npm-parent.ts";
import type { Settings } from "../options/settings.ts";
import type { Gateway } from "../supervisor/gateway.ts";

/** Runs until Ctrl-C, or with `once` until every answer is there: exit 0; 1 when it cannot start or an answer was not the expected one. */
export async function runDemo(isOnce: boolean, listen: Address, admin: Address): Promise<Outcome> {
  const stop = stopSignal();
  const home = await mkdtemp(join(tmpdir(), "sluice-demo-"));
  try {
    const folder = join(home, "manifests");
    await mkdir(folder);
    const policy = join(home, "policy.yaml");
    await writeFile(policy, policyText);
    // A drain that keeps nobody waiting; the environment is not asked.
    const config = serveConfig(
      chosenOf({
        folder: [folder],
        policy,
        listen,
        admin,
        releasesRecord: join(home, "releases"),
        drainWaitMs: 0,
        drainGraceMs: 2000,
      }),
      {},
    );
    if (config.kind === "wrong") return config;
    return await runStage(config.settings, folder, join(home, "gateway.log"), isOnce, stop);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function runStage(
  settings: Settings,
  folder: string,
  logFile: string,
  onceOnly: boolean,
  stop: AbortSignal,
): Promise<Outcome> {
  const logs = fileLog(logFile);
  const [first, second, shadow] = await Promise.all([Model.start("1"), Model.start("2"), Model.start("2")]);
  let gateway: Gateway | null = null;
  try {
    const ports: ModelPorts = { first: first.address, second: second.address, shadow: shadow.address };
    await writeManifests(folder, manifests(ports, annotatedTraffic));
    const outcome = await startGateway(settings, logs);
    if (outcome.kind === "failed") return outcome;
    gateway = outcome.gateway;
    const [base, admin] = [urlOf(gateway.listen), urlOf(gateway.admin)];
    say(
      `models     version 1 on port ${printPorts(first)}, version 2 on ${printPorts(second)}, version 2 as a shadow on ${printPorts(shadow)}: a process each`,
    );
    say(`manifests  ${folder}`);
    say(`gateway    ${base}, admin ${admin}, log ${logFile}\n`);
    const expected = await runChecks(
      { base, admin, folder, ports, shadowed: () => shadow.predictions(), patienceMs: 5000, stop },
      stop,
    );
    if (!onceOnly && !stop.aborted) {
      say(linesToCopy(base, admin, folder, settings.policyFile!));
      await once(stop, "abort");
    }
    return { kind: "ended", code: expected ? 0 : 1 };
  } finally {
    await gateway?.drain("the demo has ended");
    await Promise.all([first, second, shadow].map((model) => model.stop()));
    await logs.close();
  }
}

/** REST, and gRPC. */
function printPorts({ address }: Model): string {
  return `${address.http} (gRPC ${address.grpc})`;
}

/** Whether every answer was the expected one, of the checks that ran before somebody stopped the demo. */
async function runChecks(stage: Stage, stop: AbortSignal): Promise<boolean> {
  const findings: Finding[] = [];
  const stopping = stopped(stop);
  const timed = timedChecks.map((check) => check(stage));
  const slow = (finding: Promise<Finding>, at: number) => (): Promise<Finding> => {
    if (at === 0) say("\nRollouts and a bandit, which run since the start, take some 20 s more.\n");
    return finding;
  };
  for (const find of [...checks.map((check) => () => check(stage)), ...timed.map(slow)]) {
    const finding = find();
    const found = await Promise.race([finding, stopping]);
    if (found === null) {
      // They write into the folder, which goes next.
      await Promise.all([finding, ...timed]);
      return true;
    }
    const { asked, answered, expected } = found;
    findings.push(found);
    say(`${expected ? "ok       " : "NOT RIGHT"}  ${asked}\n           ${answered}`);
  }
  const right = findings.filter(({ expected }) => expected).length;
  say(`\n${right} of ${findings.length} answered as expected`);
  return right === findings.length;
}

async function stopped(stop: AbortSignal): Promise<null> {
  if (!stop.aborted) await once(stop, "abort");
  return null;
}

/** The gateway's log, as JSON lines in a file: the terminal belongs to the demo. */
function fileLog(file: string): LogEnd & { close(): Promise<void> } {
  const out = createWriteStream(file);
  const write = ({ level, event, atMs, fields }: LogLine): void => {
    out.write(`${JSON.stringify({ level, time: new Date(atMs).toISOString(), ...fields, event })}\n`);
  };
  return {
    log: {
      write: (event, fields, level = levelOf(event)) => write({ level, event, atMs: Date.now(), fields }),
      flush: () => {},
    },
    take: (lines) => lines.forEach(write),
    async close() {
      const closed = once(out, "close");
      out.end();
      await closed;
    },
  };
}

/** One Ctrl-C can come as two signals, from the terminal and from npm: what follows within this time is the same one, ms. */
const sameSignalMs = 500;

/** Aborted at the first SIGINT or SIGTERM; a later one ends the process at once, and the model processes with it. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let firstMs = 0;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (!stop.signal.aborted) {
        firstMs = performance.now();
        say("\nstopping");
        stop.abort();
      } else if (performance.now() - firstMs > sameSignalMs) process.exit(1);
    });
  }
  whenNpmGoes(() => stop.abort());
  return stop.signal;
}

/** Where a program on this machine reaches what listens there: a wildcard address is reached on loopback. */
function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  if (host === "::" || host === "0.0.0.0") return `http://127.0.0.1:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
