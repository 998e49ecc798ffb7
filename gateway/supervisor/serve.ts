// `sluice serve`: options, start, one line `listening`, signals, drain.
import { accessSync, constants } from "node:fs";
import { visible } from "../../routing/text/visible.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { serveConfig } from "../options/config.ts";
import { readGrants, type GrantsOutcome } from "../options/grants.ts";
import { build } from "../shared/build.ts";
import { pinoLog, type Log } from "../shared/log.ts";
import { withPodNamespace } from "../options/pod-namespace.ts";
import { printRedis } from "../options/redis-settings.ts";
import { serveOptions, serveSections } from "../options/serve-options.ts";
import { maxSeeds, seedsIn } from "../options/seeds.ts";
import type { Settings } from "../options/settings.ts";
import { stopReason } from "./signals.ts";
import { addressOf, startGateway } from "./start-gateway.ts";
import type { Gateway } from "./gateway.ts";
import { printAddress } from "./bind.ts";

const text = `Serves the models of a cluster or of a folder of manifests. On SIGTERM or SIGINT Sluice drains and exits 0; a second signal ends it at once.
On SIGHUP Sluice reads certificates, Grants and --oauth-key again. It also watches the certificates.
Every option has an environment variable: for --drain-wait-ms it is SLUICE_DRAIN_WAIT_MS.
`;

/** Runs until a drain. */
export const serve = command({
  forms: ["[options]", "--folder DIR [options]"],
  text,
  options: serveOptions,
  sections: serveSections,
  words: [],
  run,
});

const noGrants: GrantsOutcome = { kind: "grants", grants: [] };

async function run({ values, written, positionals }: Use<typeof serveOptions>): Promise<Outcome> {
  const config = serveConfig({ values, written, positionals }, process.env);
  if (config.kind === "wrong") return config;
  const unreadable = unreadableFile(config.settings);
  if (unreadable !== null) return { kind: "failed", sentence: unreadable };
  const grants = config.grantsFile === null ? noGrants : await readGrants(config.grantsFile);
  if (grants.kind === "failed") return grants;

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
    process.stderr.write(`sluice serve: ${visible(outcome.sentence)}\n`);
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
    version: build.version,
    commit: build.commit,
  });
  reload = () => void readAgain(gateway, config.grantsFile, logs.log);
  const { reason } = await stop;
  await gateway.drain(reason);
  await logs.end();
  return end(0);
}

/** SIGHUP: certificates, Grants and the keys of tokens. What cannot be read stays as it was. */
async function readAgain(gateway: Gateway, grantsFile: string | null, log: Log): Promise<void> {
  log.write("reading-again", { signal: "SIGHUP" });
  const grants = grantsFile === null ? noGrants : await readGrants(grantsFile);
  if (grants.kind === "failed")
    log.write("grants-refused", { sentence: `${grants.sentence}; Sluice keeps the Grants from before` });
  gateway.reload(grants.kind === "failed" ? null : grants.grants);
}

/** Ends the process: nothing that may still be open (a log reader, a thread that hangs) keeps it. */
function end(code: number): never {
  process.exit(code);
}

/** Where limits and revoked tokens live, and which tokens end with this process. */
function storeSentence({ redis, puidKeyFile, oauth, oauthKeyFile }: Settings): string {
  const puids =
    puidKeyFile === null
      ? " Feedback finds the predictor that answered at this replica only, and until it restarts. To change that, write --puid-key FILE."
      : "";
  const tokens =
    oauth && oauthKeyFile === null
      ? " Tokens of the OAuth gateway end with this process, and other replicas refuse them. To change that, write --oauth-key FILE."
      : "";
  return `${placeSentence(redis)}${tokens}${puids}`;
}

function placeSentence(redis: Settings["redis"]): string {
  if (redis === null)
    return "Sluice keeps revoked tokens and rate limits in the memory of this process: a restart loses them, and each replica has its own. With several replicas, write --redis URL.";
  return `Sluice keeps revoked tokens and rate limits in ${printRedis(redis)}. All replicas with this --redis share them.`;
}

function unreadableFile({ tls, redis, puidKeyFile, oauthKeyFile }: Settings): string | null {
  const files = [
    ["--puid-key", puidKeyFile, "file"],
    ["--oauth-key", oauthKeyFile, "file"],
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
  for (const [option, file] of [
    ["--puid-key", puidKeyFile],
    ["--oauth-key", oauthKeyFile],
  ] as const)
    if (file !== null && seedsIn(file) === null)
      return `${option} ${file} has no keys: write 1 to ${maxSeeds} lines, each as \`openssl rand -base64 48\` prints it`;
  return null;
}
