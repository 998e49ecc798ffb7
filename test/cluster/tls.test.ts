// Hosts and their Secrets on a real API server, as the chart's service account: what clients are served follows both.
import { once } from "node:events";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Authority, type Issued } from "../authority.ts";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { describeCluster } from "./suite.ts";

const host = (name: string, spec: Readonly<Record<string, unknown>>, namespace = "sluice"): ClusterObject => ({
  apiVersion: "getambassador.io/v2",
  kind: "Host",
  metadata: { name, namespace },
  spec,
});
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const secret = (
  name: string,
  { certPem, keyPem }: Pick<Issued, "certPem" | "keyPem">,
  namespace = "sluice",
): ClusterObject => ({
  apiVersion: "v1",
  kind: "Secret",
  type: "kubernetes.io/tls",
  metadata: { name, namespace },
  data: { "tls.crt": base64(certPem), "tls.key": base64(keyPem) },
});

describeCluster("hosts of a cluster", () => {
  let cluster: ApiServer;
  let authority: Authority;
  let gateway: GatewayProcess | null = null;

  beforeAll(async () => {
    authority = await Authority.make();
    cluster = await ApiServer.start();
    await cluster.install("seldondeployments", "mappings", "tlscontexts", "modules", "hosts");
    await cluster.admin.createNamespace("models");
  }, 90_000);
  afterEach(async () => gateway?.kill());
  afterAll(async () => {
    await cluster?.stop();
    authority.remove();
  });

  test("a Secret that changes is served at once, one that is broken is not, and a tenant takes no host", async () => {
    const [first, second, stolen] = [
      await authority.issue("first", "DNS:a.example"),
      await authority.issue("second", "DNS:a.example"),
      await authority.issue("stolen", "DNS:a.example"),
    ];
    const installed = await installChart(cluster, {
      mappings: true,
      tls: { hosts: true },
      secrets: [
        { namespace: "sluice", names: ["pair"] },
        { namespace: "models", names: ["pair"] },
      ],
      podDisruptionBudget: { enabled: false },
    });
    await cluster.admin.apply([
      secret("pair", stolen, "models"),
      host("taken", { hostname: "a.example", tlsSecret: { name: "pair" } }, "models"),
      secret("pair", first),
      host("door", { hostname: "a.example", tlsSecret: { name: "pair" } }),
    ]);
    gateway = await startInstalled(cluster, installed, ["--tls-listen=127.0.0.1:0"]);
    await gateway.listening();
    const { tls } = await gateway.seen("listening");
    const served = async (): Promise<string> => {
      const socket = connect({
        host: "127.0.0.1",
        port: Number(String(tls).split(":")[1]),
        servername: "a.example",
        ca: authority.caPem,
      });
      try {
        await once(socket, "secureConnect");
        return String(socket.getPeerCertificate().subject.CN);
      } catch {
        return "none";
      } finally {
        socket.destroy();
      }
    };
    await expect.poll(served, { timeout: 20_000 }).toBe("first");
    await cluster.admin.apply([secret("pair", second)]);
    await expect.poll(served, { timeout: 20_000 }).toBe("second");
    // Another's key: the one from before stays, and is said to.
    await cluster.admin.apply([secret("pair", { certPem: first.certPem, keyPem: second.keyPem })]);
    await expect
      .poll(
        () => gateway!.records.some(({ problem }) => String(problem).includes("bad-certificate Host sluice/door")),
        { timeout: 20_000 },
      )
      .toBe(true);
    expect(await served()).toBe("second");
    expect(gateway.records.some(({ problem }) => String(problem).includes("not-granted Host models/taken"))).toBe(true);
    expect(JSON.stringify(gateway.records)).not.toContain(second.keyPem.split("\n")[1]);
  }, 90_000);
});
