// A real `sluice serve` process, its folder of manifests and a model server behind it, for tests.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { WritePoint } from "../../routing/write/table-edit.ts";
import { entry as chosen } from "./entry.ts";

const preload = new URL("end-thread.ts", import.meta.url).href;

export interface LogRecord {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A gateway on a folder, on ports of its own. `more`: other options of `serve`. */
export function serving(folder: string, workers: number, ...more: readonly string[]): GatewayProcess {
  const any = "127.0.0.1:0";
  const argv = ["serve", "--folder", folder, "--listen", any, "--admin", any, "--workers", String(workers)];
  return new GatewayProcess([...argv, ...more]);
}

/** A running gateway: what it logs, and how to end it or one of its threads. */
export class GatewayProcess {
  readonly process: ChildProcess;
  readonly records: LogRecord[] = [];
  readonly exited: Promise<number | null>;
  errors = "";
  readonly #waiting: {
    readonly matches: (record: LogRecord) => boolean;
    readonly resolve: (record: LogRecord) => void;
  }[] = [];

  /** `entry` starts with Node's options, if it has any; left out, it is what the tests are run with. */
  constructor(argv: readonly string[], environment: Record<string, string> = {}, entry: readonly string[] = [chosen]) {
    this.process = spawn(process.execPath, ["--import", preload, ...entry, ...argv], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { PATH: process.env["PATH"], ...environment },
    });
    this.process.stderr!.on("data", (chunk: Buffer) => (this.errors += chunk.toString()));
    createInterface(this.process.stdout!).on("line", (line) => this.#record(line));
    this.exited = once(this.process, "close").then(([code]) => code as number | null);
  }

  /** The first record of an event, past or to come. */
  async seen(event: string, fields: Record<string, unknown> = {}): Promise<LogRecord> {
    const matches = (record: LogRecord): boolean =>
      record.event === event && Object.entries(fields).every(([name, value]) => record[name] === value);
    const found = this.records.find(matches);
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ matches, resolve });
      void this.exited.then(() => reject(new Error(`it ended without ${event}: ${this.errors}`)));
    });
  }

  /** Base URLs, once it listens. */
  async listening(): Promise<{ readonly traffic: string; readonly admin: string }> {
    const { address, admin } = await this.seen("listening");
    return { traffic: `http://${String(address)}`, admin: `http://${String(admin)}` };
  }

  /** `way`: from outside, or by itself. */
  endThread(name: string, way: "terminate" | "exit" | "throw" | "reject" = "terminate"): void {
    this.process.send(way === "terminate" ? name : `${way} ${name}`);
  }

  /** An endless loop in it. */
  hangThread(name: string): void {
    this.process.send(`hang ${name}`);
  }

  /** The control worker ends at this moment of its next write of the table. Resolves when that is certain. */
  async endControlAt(point: WritePoint): Promise<void> {
    this.process.send(`end-at ${point}`);
    await once(this.process, "message");
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  #record(line: string): void {
    const record = JSON.parse(line) as LogRecord;
    this.records.push(record);
    for (const { matches, resolve } of this.#waiting) if (matches(record)) resolve(record);
  }
}

/** A model server: answers every request with what it is told to. */
export class ModelServer {
  readonly server: Server;
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end('{"data":{}}');

  private constructor() {
    this.server = createServer((request, response) => {
      request.resume();
      request.once("end", () => this.answer(request, response));
    });
  }

  static async start(): Promise<ModelServer> {
    const model = new ModelServer();
    model.server.listen(0, "127.0.0.1");
    await once(model.server, "listening");
    return model;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

/** A folder of manifests. */
export class Manifests {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Manifests> {
    return new Manifests(await mkdtemp(join(tmpdir(), "sluice-test-")));
  }

  /** A SeldonDeployment of one predictor, its Service and its EndpointSlice; one file, put in place at once. */
  async deploy(
    name: string,
    port: number,
    namespace = "prod",
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.write(`${namespace}-${name}.yaml`, manifestOf(name, port, namespace, annotations));
  }

  /** The same, with gRPC on that port. */
  async deployGrpc(name: string, port: number, namespace = "prod"): Promise<void> {
    await this.write(
      `${namespace}-${name}.yaml`,
      manifestOf(name, port, namespace, {}).replaceAll("name: http", "name: grpc"),
    );
  }

  async write(file: string, text: string): Promise<void> {
    const path = join(this.folder, file);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }

  async read(file: string): Promise<string> {
    return readFile(join(this.folder, file), "utf8");
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function manifestOf(
  name: string,
  port: number,
  namespace: string,
  annotations: Readonly<Record<string, string>>,
): string {
  const service = `${name}-default`;
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: ${name}, namespace: ${namespace}, annotations: ${JSON.stringify(annotations)} }
spec:
  predictors:
    - name: default
      graph: { name: classifier, implementation: SKLEARN_SERVER }
---
apiVersion: v1
kind: Service
metadata: { name: ${service}, namespace: ${namespace} }
spec:
  clusterIP: 10.0.0.1
  ports: [{ name: http, port: 8000, protocol: TCP }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${service}-1
  namespace: ${namespace}
  labels: { kubernetes.io/service-name: ${service}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints:
  - addresses: [127.0.0.1]
    conditions: { ready: true }
`;
}
