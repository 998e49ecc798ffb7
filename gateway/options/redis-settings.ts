// Where Redis is: the URL of `--redis`, decoded. It holds no password: that stands in a file, so that neither a list of processes nor a log has it.

/** How the servers of a URL belong together. */
export type RedisKind = "single" | "sentinel" | "cluster";

export interface RedisNode {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** One Redis, decoded and checked. Plain values: they travel to the workers by structured clone. */
export interface RedisSettings {
  readonly kind: RedisKind;
  /** One of `single`; of the others 1 to 16, any of which tells the rest. */
  readonly nodes: readonly [RedisNode, ...RedisNode[]];
  /** Name of the group of a Sentinel; "" of the others. */
  readonly master: string;
  readonly tls: boolean;
  /** Certificates of authorities, PEM; null: those of the system. */
  readonly caFile: string | null;
  /** "": the default user. */
  readonly username: string;
  /** Its password, read before each connection; null: none. */
  readonly passwordFile: string | null;
  /** 0..15. */
  readonly database: number;
  /** No call waits longer, ms, 1..10000. */
  readonly timeoutMs: number;
}

export type RedisUrl =
  | {
      readonly kind: "url";
      readonly url: Pick<RedisSettings, "kind" | "nodes" | "master" | "tls" | "username" | "database">;
    }
  /** What to write instead, after the name of the option. */
  | { readonly kind: "wrong"; readonly sentence: string };

const mostNodes = 16;
const forms =
  "redis://HOST:PORT/DATABASE, rediss:// for TLS, redis+sentinel://HOST:PORT,HOST:PORT/MASTER or redis+cluster://HOST:PORT,HOST:PORT";
const ports: Readonly<Record<RedisKind, number>> = { single: 6379, sentinel: 26_379, cluster: 6379 };

/**
 * `redis://[USER@]HOST[:PORT][/DATABASE]`, `redis+sentinel://[USER@]HOST[:PORT],…/MASTER[/DATABASE]`, `redis+cluster://[USER@]HOST[:PORT],…`, each
 * with `rediss` for TLS. A password in it is refused, and not repeated in the sentence.
 */
export function parseRedisUrl(text: string): RedisUrl {
  const found = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/@?#]+)((?:\/[^?#]*)?)$/.exec(text);
  if (found === null) return wrong(`is not a Redis URL: write ${forms}`);
  const [, secure, form, user = "", hosts, path] = found as unknown as [
    string,
    string,
    RedisKind | undefined,
    string | undefined,
    string,
    string,
  ];
  if (user.includes(":")) return wrong("contains a password: write it into a file and add --redis-password-file FILE");
  if (!/^[A-Za-z0-9._~-]{0,128}$/.test(user)) return wrong("has a bad user name: write letters, digits, . _ ~ and -");
  const kind = form ?? "single";
  const nodes = hosts.split(",").map((node) => parseNode(node, ports[kind]));
  if (nodes.includes(null) || nodes.length > (kind === "single" ? 1 : mostNodes))
    return wrong(`has no valid address, or more than ${kind === "single" ? 1 : mostNodes}: write ${forms}`);
  const parts = path.replace(/\/$/, "").split("/").slice(1);
  const master = kind === "sentinel" ? (parts.shift() ?? "") : "";
  if (kind === "sentinel" && !/^[A-Za-z0-9._-]{1,128}$/.test(master))
    return wrong(`does not name the master of the Sentinels: write ${forms}`);
  const database = parts.shift() ?? "0";
  if (!/^(?:\d|1[0-5])$/.test(database) || parts.length > 0)
    return wrong(`has a bad database at its end, which must be 0 to 15: write ${forms}`);
  if (kind === "cluster" && database !== "0")
    return wrong("names a database, but a Redis Cluster has only 0: remove it");
  return {
    kind: "url",
    url: {
      kind,
      nodes: nodes as unknown as RedisSettings["nodes"],
      master,
      tls: secure === "s",
      username: user,
      database: Number(database),
    },
  };
}

function parseNode(text: string, byDefault: number): RedisNode | null {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  if (found === null) return null;
  const port = found[3] === undefined ? byDefault : Number(found[3]);
  return port < 1 || port > 65_535 ? null : { host: found[1] ?? found[2]!, port };
}

function wrong(sentence: string): RedisUrl {
  return { kind: "wrong", sentence };
}

/** Its addresses, for people and logs. */
export function printRedis({ kind, nodes, master, tls }: RedisSettings): string {
  const hosts = nodes.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  return `redis${tls ? "s" : ""}${kind === "single" ? "" : `+${kind}`}://${hosts}${master === "" ? "" : `/${master}`}`;
}
