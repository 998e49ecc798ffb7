// The one place where ioredis is: a client for each form of Redis, which keeps nothing for later and gives up early. It is loaded only where Redis is used.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import dataHandler from "ioredis/built/DataHandler.js";
import type { RedisSettings } from "../../options/redis-settings.ts";
import type { Alarm, Clock } from "../../shared/clock.ts";

/** What is used of a client. */
export interface RedisClient {
  /** Rejects at once where there is no connection. */
  call(command: string, ...args: (string | number | Buffer)[]): Promise<unknown>;
  /** Gives up the connections that it has, with all that waits on them, and makes new ones. */
  renew(): void;
  disconnect(): void;
}

/** What a client says of itself. */
export interface RedisEvents {
  ready(): void;
  /** The connection has ended, or could not be made; `why` for people. */
  away(why: string): void;
}

const connectTimeoutMs = 2000;
/** A connection that owes an answer and brings nothing for so long is given up: what waits on it would grow without end. */
const silenceMs = 1000;
const leastRetryMs = 25;
/** A server that is back is found within this, where its address refuses meanwhile: what waits for it is refused until then. A try costs a packet. */
export const mostRetryMs = 150;

// A reply that nobody waits for: ioredis makes a text of it, and where it is nil that throws past every handler and ends the thread. Such a connection is left instead.
const { prototype }: { readonly prototype: unknown } = "default" in dataHandler ? dataHandler.default : dataHandler;
const replies = prototype as {
  readonly redis: Redis & { readonly commandQueue: { readonly length: number } };
  shiftCommand: (this: typeof replies, reply: unknown) => unknown;
};
const { shiftCommand } = replies;
replies.shiftCommand = function shift(reply) {
  if (this.redis.commandQueue.length > 0) return shiftCommand.call(this, reply);
  this.redis.disconnect(true);
  return null;
};

/** Connects, and again for ever. Throws where a file of certificates cannot be read. */
export function openClient(settings: RedisSettings, events: RedisEvents, clock: Clock): RedisClient {
  const common = commonOptions(settings);
  const renew = (): void => void renewPassword(settings, common, client);
  const client = settings.kind === "cluster" ? openCluster(settings, common) : openRedis(settings, common);
  let why = "no connection yet";
  client.on("error", (error: Error) => {
    why = reasonOf(error);
  });
  client.on("node error", (error: Error) => {
    why = reasonOf(error);
  });
  client.on("ready", () => events.ready());
  client.on("close", () => {
    events.away(why);
    renew();
  });
  client.on("end", () => events.away(why));
  if (client instanceof Redis) endLateGreetings(client, clock);
  return {
    call: async (command, ...args) => client.call(command, ...args),
    renew: () => {
      for (const one of client instanceof Cluster ? client.nodes() : [client]) one.disconnect(true);
    },
    disconnect: () => client.disconnect(),
  };
}

/** A server that takes a connection and does not finish the greeting, though bytes come, is left. */
function endLateGreetings(client: Redis, clock: Clock): void {
  let late: Alarm | null = null;
  client.on("connect", () => {
    late?.cancel();
    late = clock.after(connectTimeoutMs, () => client.disconnect(true));
  });
  for (const event of ["ready", "close", "end"]) client.on(event, () => late?.cancel());
}

function commonOptions({ username, passwordFile, database, tls, caFile, nodes }: RedisSettings): RedisOptions {
  const password = passwordFile === null ? null : passwordOf(readFileSync(passwordFile, "utf8"));
  return {
    ...(username === "" ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: { servername: nodes[0].host, ...(caFile === null ? {} : { ca: readFileSync(caFile) }) } } : {}),
    db: database,
    // The words that every Redis since 2.6 knows.
    protocol: 2,
    disableClientInfo: true,
    connectionName: "sluice",
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: connectTimeoutMs,
    socketTimeout: silenceMs,
    // A server that has become a replica takes no writes: its name, or its Sentinels, lead to another.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  };
}

function openRedis(settings: RedisSettings, common: RedisOptions): Redis {
  const options = Object.assign(placeOf(settings), common, { retryStrategy, replyMapping: "legacy" as const });
  return new Redis(options);
}

function placeOf({ kind, nodes, master, tls }: RedisSettings): RedisOptions {
  if (kind === "single") return { ...nodes[0] };
  return {
    sentinels: [...nodes],
    name: master,
    enableTLSForSentinelMode: tls,
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: silenceMs,
    updateSentinels: true,
  };
}

function openCluster({ nodes, tls }: RedisSettings, redisOptions: RedisOptions): Cluster {
  return new Cluster([...nodes], {
    redisOptions: redisOptions as object,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    retryDelayOnFailover: leastRetryMs,
    retryDelayOnClusterDown: leastRetryMs,
    slotsRefreshTimeout: silenceMs,
    // Certificates are made out to names, so names are not looked up before.
    ...(tls
      ? { dnsLookup: (address: string, found: (error: null, address: string) => void): void => found(null, address) }
      : {}),
  });
}

/** Pauses that double, with a draw, so that many workers do not come back at once. `times`: tries in a row that failed, 1 and up. */
export function retryStrategy(times: number): number {
  const ms = Math.min(mostRetryMs, leastRetryMs * 2 ** Math.min(times, 10));
  return ms * (0.5 + Math.random() / 2);
}

/** The password may have been changed since the connection was made. One that cannot be read stays as it was. */
async function renewPassword(
  { passwordFile }: RedisSettings,
  common: RedisOptions,
  client: Redis | Cluster,
): Promise<void> {
  if (passwordFile === null) return;
  try {
    common.password = passwordOf(await readFile(passwordFile, "utf8"));
    if (client instanceof Redis) client.options.password = common.password;
  } catch {
    // It is away, which is said; the next try reads again.
  }
}

/** A file's text without the line end that editors add. */
function passwordOf(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function reasonOf(error: Error & { readonly code?: string }): string {
  return error.code ?? error.message.slice(0, 200);
}
