// Objects by REST, the way the tests write them: independent of what Sluice reads the cluster with.
import { Agent, request } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** A Kubernetes object, as written in YAML. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string | null>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON, or the text where it is none. */
  readonly body: unknown;
}

/** After a start custom resources answer 429 for about 2 s; a test waits this long for an answer that is not. */
const patienceMs = 20_000;

export class ApiClient {
  readonly url: string;
  readonly token: string;
  readonly #agent: Agent;

  constructor(url: string, ca: string, token: string) {
    this.url = url;
    this.token = token;
    this.#agent = new Agent({ ca, keepAlive: true, maxSockets: 32 });
  }

  /** One request; 429 is tried again. Rejects when the connection fails. */
  async ask(method: string, path: string, body: unknown = null, contentType = "application/json"): Promise<ApiAnswer> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const answer = await this.#once(method, path, body, contentType);
      if (answer.status !== 429 || performance.now() > until) return answer;
      await delay(100);
    }
  }

  /** The body of an answer that must be a success. */
  async expect(
    method: string,
    path: string,
    body: unknown = null,
    contentType = "application/json",
  ): Promise<Record<string, unknown>> {
    const answer = await this.ask(method, path, body, contentType);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`);
    return answer.body as Record<string, unknown>;
  }

  async get(path: string): Promise<Record<string, unknown>> {
    return this.expect("GET", path);
  }

  /** Items of a list. */
  async list(path: string): Promise<readonly ClusterObject[]> {
    return (await this.get(path))["items"] as readonly ClusterObject[];
  }

  /** Server-side apply of each, in order: creates it, or makes it as written. `dryRun` stores nothing. */
  async apply(
    objects: readonly ClusterObject[],
    { dryRun = false }: { readonly dryRun?: boolean } = {},
  ): Promise<void> {
    for (const object of objects) {
      await this.expect(
        "PATCH",
        `${pathOf(object)}?fieldManager=test&force=true&fieldValidation=Strict${dryRun ? "&dryRun=All" : ""}`,
        object,
        "application/apply-patch+yaml",
      );
    }
  }

  /** A JSON merge patch. */
  async merge(object: ClusterObject, patch: unknown): Promise<Record<string, unknown>> {
    return this.expect("PATCH", pathOf(object), patch, "application/merge-patch+json");
  }

  async delete(...objects: readonly ClusterObject[]): Promise<void> {
    for (const object of objects) await this.expect("DELETE", pathOf(object));
  }

  async createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.expect("POST", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels },
    });
  }

  /** TokenRequest for a service account. `seconds` is at least 600. */
  async serviceAccountToken(namespace: string, name: string, seconds = 3600): Promise<string> {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: seconds } };
    const { status } = await this.expect("POST", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, body);
    return (status as { readonly token: string }).token;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #once(method: string, path: string, body: unknown, contentType: string): Promise<ApiAnswer> {
    const payload = body === null ? null : JSON.stringify(body);
    const headers: Record<string, string | number> = {
      authorization: `Bearer ${this.token}`,
      accept: "application/json",
    };
    if (payload !== null)
      Object.assign(headers, { "content-type": contentType, "content-length": Buffer.byteLength(payload) });
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, this.url), { method, agent: this.#agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: parsed(text) }),
        );
      });
      outgoing.on("error", reject);
      outgoing.end(payload ?? undefined);
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const clusterScoped = new Set(["Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"]);

/** `/apis/apps/v1/namespaces/prod/deployments/sluice`; the namespace is `default` where none is written. */
export function pathOf({ apiVersion, kind, metadata }: ClusterObject): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = `${kind.toLowerCase()}s`.replace(/ys$/, "ies");
  return clusterScoped.has(kind)
    ? `${root}/${plural}/${metadata.name}`
    : `${root}/namespaces/${metadata.namespace ?? "default"}/${plural}/${metadata.name}`;
}
