// The streaming server of a kubelet: GET /portForward/NAMESPACE/POD?port=N by WebSocket, as kubelets serve it (v4.channel.k8s.io), in front of processes of this machine.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { ApiServer } from "./api-server.ts";
import type { ClusterObject } from "./api-client.ts";

const protocol = "v4.channel.k8s.io";
const channels = { bytes: 0, error: 1 } as const;

export class Kubelet {
  /** The address of a pod, by `NAMESPACE/POD`. */
  readonly addresses = new Map<string, string>();
  /** Each pod to which a port was forwarded, as `NAMESPACE/POD:PORT`. */
  readonly forwarded: string[] = [];
  readonly node: string;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });

  private constructor(node: string, server: Server) {
    this.node = node;
    this.#server = server;
    server.on("upgrade", (request, socket, head) => {
      const url = new URL(request.url!, "https://kubelet");
      const [, verb, namespace, pod] = url.pathname.split("/");
      const port = Number(url.searchParams.get("port"));
      if (verb !== "portForward" || !Number.isInteger(port)) {
        socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (open) => this.#forward(open, `${namespace!}/${pod!}`, port));
    });
  }

  /** Listens, and is the kubelet of a new Node of the cluster. */
  static async start(cluster: ApiServer, node: string): Promise<Kubelet> {
    const { certificate, key } = cluster.certificates.serving;
    const server = createServer({ cert: await readFile(certificate), key: await readFile(key) });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await cluster.admin.expect("POST", "/api/v1/nodes", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: node },
      status: {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    });
    return new Kubelet(node, server);
  }

  /** A pod of this node that runs, as a Deployment's controller would make it of its template. */
  async run(cluster: ApiServer, name: string, deployment: ClusterObject): Promise<void> {
    const { namespace } = deployment.metadata;
    const { template } = deployment["spec"] as {
      readonly template: { readonly metadata: object; readonly spec: object };
    };
    const path = `/api/v1/namespaces/${namespace!}/pods`;
    await cluster.admin.expect("POST", path, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...template.metadata, name },
      spec: { ...template.spec, nodeName: this.node },
    });
    await cluster.admin.expect(
      "PATCH",
      `${path}/${name}/status`,
      { status: { phase: "Running" } },
      "application/merge-patch+json",
    );
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #forward(socket: WebSocket, pod: string, port: number): void {
    const named = `${pod}:${port}`;
    this.forwarded.push(named);
    const send = (channel: number, bytes: Buffer): void => socket.send(Buffer.concat([Buffer.of(channel), bytes]));
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    for (const channel of Object.values(channels)) send(channel, number);
    const inPod = connect({ host: this.addresses.get(pod) ?? "127.0.0.1", port });
    inPod.on("data", (bytes: Buffer) => send(channels.bytes, bytes));
    inPod.on("end", () => socket.close());
    inPod.on("error", (error) => {
      send(channels.error, Buffer.from(`error forwarding port ${port} to pod ${pod}: ${error.message}`));
      socket.close();
    });
    socket.on("message", (message: Buffer) => {
      if (message[0] === channels.bytes) inPod.write(message.subarray(1));
    });
    socket.on("error", () => inPod.destroy());
    socket.on("close", () => inPod.destroy());
  }
}
