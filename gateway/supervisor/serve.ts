// `sluice serve`: options, start, one line `listening`, signals, drain.
import { accessSync, constants } from "node:fs";
import { decodeServe, serveOptions } from "../options/config.ts";
import { readGrants, type GrantsOutcome } from "../options/grants.ts";
import { pinoLog, type Log } from "../shared/log.ts";
import { printOptions } from "../options/options.ts";
import { withPodNamespace } from "../options/pod-namespace.ts";
import { printRedis } from "../options/redis-settings.ts";
import type { Settings } from "../options/settings.ts";
import { stopReason } from "./signals.ts";
import { addressOf, startGateway } from "./start-gateway.ts";
import type { Gateway } from "./gateway.ts";
import { printAddress } from "./bind.ts";

const usage = `Use: sluice serve [options]
     sluice serve --folder DIR [options]

Serves the models of a cluster or of a folder of manifests. On SIGTERM or SIGINT Sluice drains and exits 0; a second signal ends it at once.
On SIGHUP Sluice reads certificates and Grants again. It also watches the certificates.
Every option has an environment variable: for --drain-wait-ms it is SLUICE_DRAIN_WAIT_MS.

`;

const noGrants: GrantsOutcome = { kind: "grants", grants: [] };

/** Runs until a drain: 0. 1: it cannot start. 2: wrong use. */
export async function serve(argv: readonly string[]): Promise<number> {
  const config = decodeServe(argv, process.env);
  if (config.kind === "help") {
    process.stdout.write(usage + printOptions(serveOptions));
    return 0;
  }
  if (config.kind === "wrong") return refuse(config.sentence, 2);
  const unreadable = unreadableFile(config.settings);
  if (unreadable !== null) return refuse(unreadable, 1);
  const grants = config.grantsFile === null ? noGrants : await readGrants(config.grantsFile);
  if (grants.kind === "failed") return refuse(grants.sentence, 1);

  const logs = await pinoLog();
  let reload = (): void =>
    logs.log.write("signal-ignored", {
      signal: "SIGHUP",
      sentence: "Sluice is still starting: wait until it listens, then send SIGHUP again",
    });
  const stop = stopReason(logs.log, () => reload()).then((reason) => ({ kind: "stop", reason }) as const);
  const outcome = await Promise.race([
    startGateway(await withPodNamespace({ ...config.settings, grants: grants.grants }), logs),
    stop,
  ]);
  if (outcome.kind === "stop") return end(0);
  if (outcome.kind === "failed") {
    await logs.end();
    refuse(outcome.sentence, 1);
    return end(1);
  }
  const { gateway } = outcome;
  if (config.notice !== null) logs.log.write("open-claims", { sentence: config.notice });
  logs.log.write("store", { sentence: storeSentence(config.settings) });
  logs.log.write("listening", {
    address: addressOf(gateway),
    tls: gateway.tlsPort === 0 ? null : printAddress(gateway.listen.host, gateway.tlsPort),
    admin: printAddress(gateway.admin.host, gateway.admin.port),
    workers: config.settings.workers,
    pid: process.pid,
  });
  reload = () => void readAgain(gateway, config.grantsFile, logs.log);
  const { reason } = await stop;
  await gateway.drain(reason);
  await logs.end();
  return end(0);
}

/** SIGHUP: certificates and Grants. What cannot be read stays as it was. */
async function readAgain(gateway: Gateway, grantsFile: string | null, log: Log): Promise<void> {
  log.write("reading-again", { signal: "SIGHUP" });
  const grants = grantsFile === null ? noGrants : await readGrants(grantsFile);
  if (grants.kind === "failed")
    log.write("grants-refused", { sentence: `${grants.sentence}; Sluice keeps the Grants from before` });
  gateway.reload(grants.kind === "failed" ? null : grants.grants);
}

function refuse(sentence: string, code: number): number {
  process.stderr.write(`sluice: ${sentence}\n`);
  return code;
}

/** Ends the process: nothing that may still be open (a log reader, a thread that hangs) keeps it. */
function end(code: number): never {
  process.exit(code);
}

/** Where tokens and limits live. */
function storeSentence({ redis }: Settings): string {
  if (redis === null)
    return "Sluice keeps tokens and rate limits in the memory of this process: a restart loses them, and each replica has its own. With several replicas, write --redis URL.";
  return `Sluice keeps tokens and rate limits in ${printRedis(redis)}. All replicas with this --redis share them.`;
}

function unreadableFile({ tls, redis }: Settings): string | null {
  const files = [
    ["--tls-cert", tls?.certFile, "PEM file"],
    ["--tls-key", tls?.keyFile, "PEM file"],
    ["--redis-password-file", redis?.passwordFile, "file"],
    ["--redis-ca", redis?.caFile, "PEM file"],
  ] as const;
  for (const [option, file, what] of files) {
    if (file === undefined || file === null) continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      return `${option} ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}): write a readable ${what}`;
    }
  }
  return null;
}
