// Pods of a predictor and the Service in front of them. No kubelet and no controllers run here, so a test plays their part: it starts model
// servers, says which state each is in, and writes the EndpointSlice that Kubernetes' controller would write.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { ApiClient, ClusterObject } from "./api-client.ts";
import type { PodNetwork } from "./pod-network.ts";

/** `starting`: exists, not ready. `terminating`: was told to end and serves on, as during its preStop. */
export type PodState = "starting" | "ready" | "terminating";

const port = 9000;
/** A server that ends closes idle connections after this long. */
const idleMs = 300;

/** A model server with an address of its own; it answers in Seldon's form, with its name among the tags. */
export class Pod {
  readonly name: string;
  readonly address: string;
  state: PodState = "starting";
  /** Predictions answered. */
  answered = 0;
  /** How long an answer takes, ms. */
  delayMs = 0;
  /** Of each answer. */
  status = 200;
  readonly #server: Server;
  #ending = false;

  private constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
    const answer = JSON.stringify({
      data: { names: ["setosa", "versicolor", "virginica"], ndarray: [[0.01, 0.97, 0.02]] },
      meta: { tags: { pod: name } },
    });
    this.#server = createServer((request, response) => {
      request.resume();
      request.once("end", () =>
        setTimeout(() => {
          this.answered += 1;
          if (this.#ending) response.setHeader("connection", "close");
          response.writeHead(this.status, { "content-type": "application/json" }).end(answer);
        }, this.delayMs),
      );
    });
  }

  static async start(name: string, address: string): Promise<Pod> {
    const pod = new Pod(name, address);
    await pod.#listen();
    return pod;
  }

  /** As a server does that ends well: refuses connections, answers what comes on those that it has and closes them, the idle ones last. */
  async stop(): Promise<void> {
    this.#ending = true;
    this.#server.close();
    const closed = once(this.#server, "close");
    const idle = setInterval(() => this.#server.closeIdleConnections(), idleMs);
    await closed;
    clearInterval(idle);
  }

  /** Resets every connection, as a process does that was killed. */
  async kill(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #listen(): Promise<void> {
    this.#server.listen(port, this.address);
    await once(this.#server, "listening");
  }
}

export interface ServiceNames {
  readonly namespace: string;
  /** Of the SeldonDeployment. */
  readonly deployment: string;
  readonly predictor: string;
}

/** The Service `<deployment>-<predictor>`, as Seldon's operator names it, its EndpointSlice and its pods. */
export class PodService {
  readonly name: string;
  readonly pods: Pod[] = [];
  readonly #api: ApiClient;
  readonly #network: PodNetwork;
  readonly #names: ServiceNames;
  #started = 0;
  #published: Promise<void> = Promise.resolve();

  constructor(api: ApiClient, network: PodNetwork, names: ServiceNames) {
    this.#api = api;
    this.#network = network;
    this.#names = names;
    this.name = `${names.deployment}-${names.predictor}`;
  }

  /** The Service with so many ready pods. */
  async create(pods: number, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
    for (let i = 0; i < pods; i++) (await this.#start()).state = "ready";
    await this.#api.apply([this.#service(annotations)]);
    await this.publish();
  }

  /** A pod that is not ready yet. */
  async add(): Promise<Pod> {
    const pod = await this.#start();
    await this.publish();
    return pod;
  }

  async become(pod: Pod, state: PodState): Promise<void> {
    pod.state = state;
    await this.publish();
  }

  /** A pod's end: terminating, its preStop, SIGTERM, and then it is in no slice any more. */
  async end(pod: Pod, preStopMs: number): Promise<void> {
    await this.become(pod, "terminating");
    await new Promise((resolve) => {
      setTimeout(resolve, preStopMs);
    });
    await pod.stop();
    await this.forget(pod);
  }

  /** Takes a pod out of the slice, whatever it does. */
  async forget(pod: Pod): Promise<void> {
    this.pods.splice(this.pods.indexOf(pod), 1);
    await this.publish();
  }

  /** Writes the EndpointSlice: what the pods are then. One write after the other, as the controller's are. */
  async publish(): Promise<void> {
    this.#published = this.#published.then(() => this.#api.apply([this.#slice()]));
    await this.#published;
  }

  /** The Service and its slice are gone; the pods run on. */
  async remove(): Promise<void> {
    await this.#api.delete(this.#service({}), this.#slice());
  }

  async kill(): Promise<void> {
    await Promise.all(this.pods.map((pod) => pod.kill()));
  }

  async #start(): Promise<Pod> {
    this.#started += 1;
    const pod = await Pod.start(`${this.name}-${this.#started}`, this.#network.address());
    this.pods.push(pod);
    return pod;
  }

  #service(annotations: Readonly<Record<string, string>>): ClusterObject {
    const { namespace, deployment } = this.#names;
    return {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: this.name,
        namespace,
        labels: { "seldon-deployment-id": deployment, "app.kubernetes.io/managed-by": "seldon-core" },
        annotations,
      },
      // Headless, although Seldon's are not: whatever goes wrong, no request leaves this machine for the address of a Service.
      spec: {
        clusterIP: "None",
        selector: { "seldon-app": this.name },
        ports: [{ name: "http", port: 8000, targetPort: port, protocol: "TCP" }],
      },
    };
  }

  #slice(): ClusterObject {
    return {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${this.name}-1`,
        namespace: this.#names.namespace,
        labels: {
          "kubernetes.io/service-name": this.name,
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port, protocol: "TCP" }],
      endpoints: this.pods.map(({ name, address, state }) => ({
        addresses: [address],
        conditions: { ready: state === "ready", serving: state !== "starting", terminating: state === "terminating" },
        targetRef: { kind: "Pod", name, namespace: this.#names.namespace },
      })),
    };
  }
}
