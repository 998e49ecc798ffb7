// A small API server over HTTP with faults on order: lists in pages, watches with history, bookmarks, tokens, compaction.
// It knows what a reflector can see of a real one and nothing more; test/cluster has the real one.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Api } from "../../../../k8s/source/api/api.ts";
import type { ApiAccess } from "../../../../k8s/source/api/api-access.ts";
import type { ReflectorTimes } from "../../../../k8s/source/cluster/reflector-times.ts";

/** Times so short that a test sees every rule at work. */
export const quickTimes: ReflectorTimes = {
  watchMs: [60_000, 60_000],
  idleMs: 10_000,
  listIdleMs: 10_000,
  backoff: { firstMs: 5, maxMs: 20, healthyMs: 1000 },
  holdMs: 50,
  absentMs: 10,
  deniedMs: 100,
  shortWatchMs: 1,
  relistMs: 3_600_000,
};

export interface KubeObject {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

interface HistoryEvent {
  readonly version: number;
  readonly collection: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
}

interface Watching {
  readonly request: ApiCall;
  readonly response: ServerResponse;
}

/** A request as the server saw it. */
export interface ApiCall {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string;
  readonly watch: boolean;
  readonly body: unknown;
}

/** Answers a request in place of the server; false: the server answers as usual. */
type Fault = (call: ApiCall, response: ServerResponse) => boolean;

/** `/apis/g/v/[namespaces/ns/]plural` to `/apis/g/v/plural`, and the namespace. */
function collectionOf(path: string): {
  readonly collection: string;
  readonly namespace: string | null;
  readonly name: string | null;
} {
  const [, root, namespace, plural, name] =
    /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  return { collection: `${root ?? ""}/${plural ?? ""}`, namespace: namespace ?? null, name: name ?? null };
}

export class FakeApi {
  readonly server: Server;
  readonly calls: ApiCall[] = [];
  /** Asked in turn before the server answers. */
  faults: Fault[] = [];
  /** Tokens that are accepted; null: any. */
  tokens: Set<string> | null = null;
  /** Collections of custom resources that are installed. */
  readonly installed = new Set<string>();
  /** Pages are cut after so many items, whatever the client asks. */
  pageItems = 500;
  readonly #collections = new Map<string, Map<string, KubeObject>>();
  #history: HistoryEvent[] = [];
  #compacted = 0;
  #version = 100;
  readonly #watching = new Set<Watching>();
  readonly #waiting: { readonly matches: (call: ApiCall) => boolean; readonly resolve: (call: ApiCall) => void }[] = [];

  private constructor() {
    this.server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeApi> {
    const api = new FakeApi();
    await api.listen(0);
    return api;
  }

  async listen(port: number): Promise<void> {
    this.server.listen(port, "127.0.0.1");
    await once(this.server, "listening");
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Nobody answers any more; open connections are reset. */
  async stop(): Promise<void> {
    this.#watching.clear();
    this.server.closeAllConnections();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, "close");
  }

  client(token: () => string = () => "good", renew: () => Promise<void> = async () => {}): Api {
    const access: ApiAccess = {
      server: `http://127.0.0.1:${this.port}`,
      credentials: async () => ({
        headers: { authorization: `Bearer ${token()}` },
        tls: { ca: null, cert: null, key: null, verify: true, serverName: null },
        proxy: null,
      }),
      renew,
    };
    return new Api(access);
  }

  // ---- objects

  put(collection: string, object: KubeObject): void {
    const objects = this.#objects(collection);
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const type = objects.has(key) ? "MODIFIED" : "ADDED";
    this.#version += 1;
    const stored = {
      ...object,
      metadata: { uid: `uid-${key}`, ...object.metadata, resourceVersion: String(this.#version) },
    };
    objects.set(key, stored);
    this.#record({ version: this.#version, collection, type, object: stored });
  }

  remove(collection: string, namespace: string, name: string): void {
    const objects = this.#objects(collection);
    const object = objects.get(`${namespace}/${name}`);
    if (object === undefined) throw new Error(`there is no ${namespace}/${name}`);
    objects.delete(`${namespace}/${name}`);
    this.#version += 1;
    this.#record({
      version: this.#version,
      collection,
      type: "DELETED",
      object: { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } },
    });
  }

  /** Objects go without a word, as by a restore of etcd: a watch tells nothing. */
  lose(collection: string): void {
    this.#objects(collection).clear();
    this.#version += 1;
  }

  /** What is there comes back without a word. */
  objects(collection: string): Map<string, KubeObject> {
    return this.#objects(collection);
  }

  /** Versions up to now are not known any more. */
  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  get version(): string {
    return String(this.#version);
  }

  // ---- watches

  /** Ends every watch: `cut` resets, else the server closes as at its time. */
  endWatches(how: "close" | "cut"): void {
    for (const { response } of this.#watching) {
      if (how === "cut") response.socket?.resetAndDestroy();
      else response.end();
    }
    this.#watching.clear();
  }

  /** Bytes to every open watch of a collection. */
  toWatches(collection: string, text: string): void {
    for (const { request, response } of this.#watching)
      if (collectionOf(request.path).collection === collection) response.write(text);
  }

  /** The next request that matches, also one that came already after `from` calls. */
  async call(matches: (call: ApiCall) => boolean, from = 0): Promise<ApiCall> {
    const seen = this.calls.slice(from).find(matches);
    if (seen !== undefined) return seen;
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  /** A fault that happens once, to the first request that matches. */
  once(matches: (call: ApiCall) => boolean, answer: (response: ServerResponse) => void): void {
    const fault: Fault = (call, response) => {
      if (!matches(call)) return false;
      this.faults = this.faults.filter((one) => one !== fault);
      answer(response);
      return true;
    };
    this.faults.push(fault);
  }

  // ----

  #objects(collection: string): Map<string, KubeObject> {
    let objects = this.#collections.get(collection);
    if (objects === undefined) this.#collections.set(collection, (objects = new Map()));
    return objects;
  }

  #record(event: HistoryEvent): void {
    this.#history.push(event);
    for (const { request, response } of this.#watching) if (sees(request, event)) response.write(lineOf(event));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    const url = new URL(request.url ?? "/", "http://fake");
    const call: ApiCall = {
      method: request.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      token: (request.headers.authorization ?? "").replace("Bearer ", ""),
      watch: url.searchParams.get("watch") === "true",
      body: text === "" ? null : JSON.parse(text),
    };
    this.calls.push(call);
    this.#answer(call, response);
    for (const { matches, resolve } of this.#waiting) if (matches(call)) resolve(call);
  }

  #answer(call: ApiCall, response: ServerResponse): void {
    for (const fault of this.faults) if (fault(call, response)) return;
    if (this.tokens !== null && !this.tokens.has(call.token))
      return refuse(response, 401, "Unauthorized", "Unauthorized");
    const { collection, namespace, name } = collectionOf(call.path);
    const [, discovered] = /^(\/apis\/[^/]+\/[^/]+)$/.exec(call.path) ?? [];
    if (discovered !== undefined) return this.#discover(discovered, response);
    if (
      collection.startsWith("/apis/") &&
      !collection.startsWith("/apis/discovery.k8s.io/") &&
      !this.installed.has(collection)
    )
      return refuse(response, 404, "NotFound", "the server could not find the requested resource");
    if (call.method !== "GET" || name !== null) return this.#write(call, collection, namespace ?? "", name, response);
    if (call.watch) return this.#watch(call, response);
    this.#list(call, collection, namespace, response);
  }

  #discover(group: string, response: ServerResponse): void {
    const served = [...this.installed]
      .filter((one) => one.startsWith(`${group}/`))
      .map((one) => ({ name: one.slice(group.length + 1) }));
    if (served.length === 0)
      return refuse(response, 404, "NotFound", "the server could not find the requested resource");
    answer(response, 200, { kind: "APIResourceList", resources: served });
  }

  #list(call: ApiCall, collection: string, namespace: string | null, response: ServerResponse): void {
    const name = call.query.get("fieldSelector")?.replace("metadata.name=", "") ?? null;
    const all = [...this.#objects(collection).values()].filter(
      ({ metadata }) =>
        (namespace === null || metadata.namespace === namespace) && (name === null || metadata.name === name),
    );
    const start = Number(call.query.get("continue") ?? 0);
    const limit =
      call.query.get("limit") === null ? all.length : Math.min(Number(call.query.get("limit")), this.pageItems);
    const page = all.slice(start, start + limit);
    const rest = start + limit < all.length ? { continue: String(start + limit) } : {};
    // As the API server writes lists of custom resources: the metadata at the end.
    answer(response, 200, {
      apiVersion: "v1",
      items: page,
      kind: "List",
      metadata: { ...rest, resourceVersion: this.version },
    });
  }

  #watch(call: ApiCall, response: ServerResponse): void {
    const from = Number(call.query.get("resourceVersion"));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (from < this.#compacted) {
      response.end(
        `${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" } })}\n`,
      );
      return;
    }
    for (const event of this.#history) if (event.version > from && sees(call, event)) response.write(lineOf(event));
    const watching = { request: call, response };
    this.#watching.add(watching);
    response.on("close", () => this.#watching.delete(watching));
  }

  #write(call: ApiCall, collection: string, namespace: string, name: string | null, response: ServerResponse): void {
    const objects = this.#objects(collection);
    if (call.method === "POST") {
      const object = call.body as KubeObject;
      if (objects.has(`${namespace}/${object.metadata.name}`))
        return refuse(response, 409, "AlreadyExists", "already exists");
      this.put(collection, object);
      return answer(response, 201, objects.get(`${namespace}/${object.metadata.name}`));
    }
    const known = objects.get(`${namespace}/${name ?? ""}`);
    if (known === undefined) return refuse(response, 404, "NotFound", "not found");
    if (call.method === "GET") return answer(response, 200, known);
    const { metadata, ...fields } = call.body as { metadata: { resourceVersion: string } };
    if (metadata.resourceVersion !== known.metadata["resourceVersion"])
      return refuse(response, 409, "Conflict", "the object has been modified");
    this.put(collection, { ...known, ...fields });
    answer(response, 200, objects.get(`${namespace}/${name ?? ""}`));
  }
}

function sees({ path, query }: ApiCall, { collection, object }: HistoryEvent): boolean {
  const watched = collectionOf(path);
  const name = query.get("fieldSelector")?.replace("metadata.name=", "") ?? null;
  return (
    watched.collection === collection &&
    (watched.namespace === null || watched.namespace === object.metadata.namespace) &&
    (name === null || name === object.metadata.name)
  );
}

function lineOf({ type, object }: HistoryEvent): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { "content-type": "application/json", ...headers })
    .end(JSON.stringify({ kind: "Status", status: "Failure", code: status, reason, message }));
}
