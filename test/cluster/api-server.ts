// A real etcd and kube-apiserver with RBAC on, for one suite. No controllers run: what they would write (EndpointSlices, default service
// accounts, garbage collection) the tests write, and a deleted namespace stays Terminating.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { load } from "js-yaml";
import { ApiClient, type ClusterObject } from "./api-client.ts";
import { binary } from "./binaries.ts";
import { makeCertificates, type Certificates } from "./certificates.ts";
import { Child } from "./child.ts";
import { freePorts } from "../ports.ts";

const startMs = 60_000;
const audience = "https://kubernetes.default.svc";
const adminToken = "admin-of-the-test-cluster";

/** Whatever service accounts ask for is logged, a watch when it begins. */
const auditPolicy = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", userGroups: ["system:serviceaccounts"] }, { level: "None" }],
});

/** One request of a service account. */
export interface Audited {
  /** `list seldondeployments.machinelearning.seldon.io`, `create events`; discovery: `get /apis/…`. */
  readonly action: string;
  /** Of the object asked for; "": all of them. */
  readonly namespace: string;
  readonly status: number;
}

/** Custom resources that a cluster with Seldon Core and Ambassador has. */
export type Crd =
  | "seldondeployments"
  | "mappings"
  | "tlscontexts"
  | "modules"
  | "hosts"
  | "authservices"
  | "ratelimitservices";

/** A line of the audit log. */
interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly apiGroup?: string; readonly namespace?: string };
  readonly responseStatus: { readonly code: number };
}

export class ApiServer {
  /** `https://127.0.0.1:PORT`, the same after a restart. */
  readonly url: string;
  readonly port: number;
  readonly certificates: Certificates;
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string;
  /** May do everything. */
  readonly admin: ApiClient;
  readonly folder: string;
  readonly #etcd: Child;
  readonly #etcdPort: number;
  #server: Child | null = null;
  /** Lists that must answer before a start counts as done. */
  readonly #lists = new Set<string>(["/api/v1/namespaces?limit=1"]);

  private constructor(folder: string, certificates: Certificates, ca: string, ports: readonly number[]) {
    this.folder = folder;
    this.certificates = certificates;
    this.ca = ca;
    const [etcdPort, peerPort, port] = ports as readonly [number, number, number];
    this.port = port;
    this.url = `https://127.0.0.1:${port}`;
    this.admin = new ApiClient(this.url, ca, adminToken);
    this.#etcdPort = etcdPort;
    const client = `http://127.0.0.1:${etcdPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    this.#etcd = new Child(
      binary("etcd"),
      [
        "--data-dir",
        join(folder, "etcd"),
        "--unsafe-no-fsync",
        "--log-level",
        "warn",
        "--listen-client-urls",
        client,
        "--advertise-client-urls",
        client,
        "--listen-peer-urls",
        peer,
        "--initial-advertise-peer-urls",
        peer,
        "--initial-cluster",
        `default=${peer}`,
      ],
      join(folder, "etcd.log"),
    );
  }

  /** Ready in 2–3 s. `stored`: a folder that `store` left; null: an empty cluster. */
  static async start(stored: string | null = null): Promise<ApiServer> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-cluster-"));
    if (stored !== null) await cp(stored, join(folder, "etcd"), { recursive: true });
    const certificates = await makeCertificates(folder);
    await writeFile(join(folder, "audit.yaml"), auditPolicy);
    await writeFile(join(folder, "tokens.csv"), `${adminToken},admin,admin,"system:masters"\n`, { mode: 0o600 });
    const cluster = new ApiServer(folder, certificates, await readFile(certificates.ca, "utf8"), await freePorts(3));
    try {
      await cluster.startServer();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Ends both and deletes what they stored. */
  async stop(): Promise<void> {
    this.admin.close();
    await this.#server?.end("SIGKILL");
    await this.#etcd.end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Stops, and leaves what was stored in `folder`, for later calls of `start`. */
  async store(folder: string): Promise<void> {
    await this.#server?.end("SIGTERM");
    await this.#etcd.end("SIGTERM");
    await cp(join(this.folder, "etcd"), folder, { recursive: true });
    await this.stop();
  }

  /** Ends the API server; etcd goes on. SIGKILL resets open connections, SIGTERM closes them one after the other. */
  async stopServer(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#server?.end(signal);
    this.#server = null;
  }

  /** Starts the API server on the same port, and waits until every list that a client may ask for answers: `/readyz` alone is early. */
  async startServer(): Promise<void> {
    const { ca, serving, tokens } = this.certificates;
    this.#server = new Child(
      binary("kube-apiserver"),
      [
        `--etcd-servers=http://127.0.0.1:${this.#etcdPort}`,
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        `--secure-port=${this.port}`,
        "--endpoint-reconciler-type=none",
        `--tls-cert-file=${serving.certificate}`,
        `--tls-private-key-file=${serving.key}`,
        `--client-ca-file=${ca}`,
        `--token-auth-file=${join(this.folder, "tokens.csv")}`,
        `--service-account-issuer=${audience}`,
        `--api-audiences=${audience}`,
        `--service-account-key-file=${tokens.publicKey}`,
        `--service-account-signing-key-file=${tokens.key}`,
        `--audit-policy-file=${join(this.folder, "audit.yaml")}`,
        `--audit-log-path=${this.#auditLog}`,
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--etcd-compaction-interval=0",
        "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000",
        "--profiling=false",
      ],
      join(this.folder, "kube-apiserver.log"),
    );
    await this.#untilReady();
  }

  async restart(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> {
    await this.stopServer(signal);
    await this.startServer();
  }

  /** A server that is alive and answers nothing, as behind a network that swallows packets; `resume` ends that. */
  freeze(): void {
    this.#server?.signal("SIGSTOP");
  }

  resume(): void {
    this.#server?.signal("SIGCONT");
  }

  /** Custom resource definitions of ours, Established and listable in each version. */
  async install(...crds: readonly Crd[]): Promise<void> {
    for (const crd of crds) {
      const definition = load(await readFile(new URL(`crds/${crd}.yaml`, import.meta.url), "utf8")) as ClusterObject;
      await this.admin.apply([definition]);
      const { group, versions } = definition["spec"] as {
        readonly group: string;
        readonly versions: readonly { readonly name: string }[];
      };
      for (const { name } of versions) this.#lists.add(`/apis/${group}/${name}/${crd}?limit=1`);
    }
    await this.#untilReady();
  }

  async uninstall(crd: Crd): Promise<void> {
    const group = crd === "seldondeployments" ? "machinelearning.seldon.io" : "getambassador.io";
    for (const list of this.#lists) if (list.includes(`/${crd}?`)) this.#lists.delete(list);
    await this.admin.delete({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${crd}.${group}` },
    });
  }

  /** Forgets old revisions. The watch cache still serves them: restart the server as well to see 410. */
  async compact(): Promise<void> {
    const revision = (await this.#etcdCall("/v3/kv/range", { key: Buffer.from("/").toString("base64"), limit: 1 }))
      .header.revision;
    await this.#etcdCall("/v3/kv/compaction", { revision, physical: true });
  }

  /** A client with that token. Close it. */
  client(token: string): ApiClient {
    return new ApiClient(this.url, this.ca, token);
  }

  /** Writes a kubeconfig for the holder of a token (default: the admin) and returns its path. */
  async kubeconfig(name: string, token = adminToken, namespace = "default"): Promise<string> {
    const path = join(this.folder, `${name}.kubeconfig`);
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [
        { name, cluster: { server: this.url, "certificate-authority-data": Buffer.from(this.ca).toString("base64") } },
      ],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    };
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  /** What a service account has asked for since the start. */
  async audited(namespace: string, account: string): Promise<readonly Audited[]> {
    const lines = (await readFile(this.#auditLog, "utf8")).split("\n").filter((line) => line !== "");
    return lines
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(({ user }) => user.username === `system:serviceaccount:${namespace}:${account}`)
      .map(({ verb, requestURI, objectRef, responseStatus }) => {
        const resource =
          objectRef?.resource === undefined
            ? requestURI
            : [objectRef.resource, ...(objectRef.apiGroup === undefined ? [] : [objectRef.apiGroup])].join(".");
        return { action: `${verb} ${resource}`, namespace: objectRef?.namespace ?? "", status: responseStatus.code };
      });
  }

  get #auditLog(): string {
    return join(this.folder, "audit.log");
  }

  async #untilReady(): Promise<void> {
    const until = performance.now() + startMs;
    for (;;) {
      this.#etcd.assertRunning();
      this.#server!.assertRunning();
      const waits = await this.#firstThatWaits();
      if (waits === null) return;
      if (performance.now() > until) throw new Error(`the API server is not ready after ${startMs} ms: ${waits}`);
      await delay(50);
    }
  }

  async #firstThatWaits(): Promise<string | null> {
    for (const path of ["/readyz", ...this.#lists]) {
      const status = await this.admin.ask("GET", path).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status !== 200) return `${path} answers ${status}`;
    }
    return null;
  }

  async #etcdCall(path: string, body: unknown): Promise<{ readonly header: { readonly revision: string } }> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port: this.#etcdPort, path, method: "POST" }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () =>
          response.statusCode === 200
            ? resolve(JSON.parse(text) as never)
            : reject(new Error(`etcd ${path}: ${response.statusCode} ${text}`)),
        );
      });
      outgoing.on("error", reject);
      outgoing.end(JSON.stringify(body));
    });
  }
}
