// `sluice serve`: options, start, one line `listening`, signals, drain.
import { accessSync, constants } from 'node:fs';
import { decodeServe, serveOptions } from './config.ts';
import { readGrants } from './grants.ts';
import type { GrantsOutcome } from './grants.ts';
import { pinoLog } from './log.ts';
import { printOptions } from './options.ts';
import type { Settings } from './settings.ts';
import { addressOf, startGateway } from './supervisor.ts';
import { printAddress } from './supervisor-bind.ts';

const usage = `Use: sluice serve [options]
     sluice serve --folder DIR [options]

Serves predictions as the manifests of a cluster or of a folder say, until SIGTERM or SIGINT: then it drains and exits 0. A second signal ends it at once.
Every option is also an environment variable: --drain-wait-ms is SLUICE_DRAIN_WAIT_MS.

`;

const noGrants: GrantsOutcome = { kind: 'grants', grants: [] };

/** Runs until a drain: 0. 1: it cannot start. 2: wrong use. */
export async function serve(argv: readonly string[]): Promise<number> {
  const config = decodeServe(argv, process.env);
  if (config.kind === 'help') {
    process.stdout.write(usage + printOptions(serveOptions));
    return 0;
  }
  if (config.kind === 'wrong') return refuse(config.sentence, 2);
  const unreadable = unreadableFile(config.settings);
  if (unreadable !== null) return refuse(unreadable, 1);
  const grants = config.grantsFile === null ? noGrants : await readGrants(config.grantsFile);
  if (grants.kind === 'failed') return refuse(grants.sentence, 1);

  const logs = await pinoLog();
  const drain = nextSignal();
  const outcome = await Promise.race([startGateway({ ...config.settings, grants: grants.grants }, logs), drain]);
  if (outcome.kind === 'signal') return end(0);
  if (outcome.kind === 'failed') {
    await logs.end();
    refuse(outcome.sentence, 1);
    return end(1);
  }
  const { gateway } = outcome;
  logs.log.write('info', 'listening', {
    address: addressOf(gateway),
    tls: gateway.tlsPort === 0 ? null : printAddress(gateway.listen.host, gateway.tlsPort),
    admin: printAddress(gateway.admin.host, gateway.admin.port),
    workers: config.settings.workers,
    pid: process.pid,
  });
  await drain;
  await gateway.drain();
  await logs.end();
  return end(0);
}

function refuse(sentence: string, code: number): number {
  process.stderr.write(`sluice: ${sentence}\n`);
  return code;
}

/** Ends the process: nothing that may still be open (a log reader, a thread that hangs) keeps it. */
function end(code: number): never {
  process.exit(code);
}

/** The first SIGTERM or SIGINT. A second one ends the process at once, with the code that a shell expects. */
function nextSignal(): Promise<{ readonly kind: 'signal' }> {
  return new Promise((resolve) => {
    let seen = false;
    for (const [signal, code] of [['SIGTERM', 143], ['SIGINT', 130]] as const) {
      process.on(signal, () => {
        if (seen) process.exit(code);
        seen = true;
        resolve({ kind: 'signal' });
      });
    }
  });
}

function unreadableFile(settings: Settings): string | null {
  if (settings.tls === null) return null;
  for (const [option, file] of [['--tls-cert', settings.tls.certFile], ['--tls-key', settings.tls.keyFile]] as const) {
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      return `${option} ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): write a readable PEM file`;
    }
  }
  return null;
}
