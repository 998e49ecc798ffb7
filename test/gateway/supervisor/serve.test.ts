import { once } from "node:events";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../until.ts";
import { GatewayProcess, Manifests, ModelServer } from "../gateway-process.ts";
import { certPem, keyPem } from "../../wire/identity.ts";
import { LoadClient, post } from "../load-client.ts";

const path = "/seldon/prod/iris/api/v1.0/predictions";
const anywhere = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];

let manifests: Manifests;
let model: ModelServer;
const gateways: GatewayProcess[] = [];

function serve(...argv: readonly string[]): GatewayProcess {
  const gateway = new GatewayProcess(["serve", ...argv]);
  gateways.push(gateway);
  return gateway;
}

function serveFolder(...argv: readonly string[]): GatewayProcess {
  return serve(
    "--folder",
    manifests.folder,
    ...anywhere,
    ...(argv.includes("--workers") ? [] : ["--workers", "2"]),
    ...(argv.includes("--drain-wait-ms") ? [] : ["--drain-wait-ms", "0"]),
    ...argv,
  );
}

async function metric(admin: string, name: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Another certificate and its key. */
async function otherIdentity(folder: string): Promise<readonly [cert: string, key: string]> {
  const program = "openssl";
  const [cert, key] = [`${folder}/other.crt`, `${folder}/other.key`];
  const made = spawnSync(
    program,
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-subj",
      "/CN=other",
      "-days",
      "2",
      "-keyout",
      key,
      "-out",
      cert,
    ],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  return Promise.all([readFile(cert, "utf8"), readFile(key, "utf8")]);
}

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
  await manifests.deploy("iris", model.port);
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.kill()));
  await model.stop();
  await manifests.remove();
});

describe("sluice serve that cannot start", () => {
  const wrong = async (code: number, line: RegExp, ...argv: readonly string[]): Promise<void> => {
    const gateway = serve(...argv);
    expect(await gateway.exited).toBe(code);
    expect(gateway.errors).toMatch(line);
    expect(gateway.errors.trimEnd()).not.toContain("\n");
    expect(gateway.records).toEqual([]);
  };

  test("a port in use, also by a listener with reusePort", async () => {
    for (const reusePort of [false, true]) {
      const server = createServer().listen({ port: 0, host: "127.0.0.1", reusePort });
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      await wrong(
        1,
        /^sluice serve: 127\.0\.0\.1:\d+ is in use: .* write --listen/,
        "--folder",
        manifests.folder,
        "--listen",
        `127.0.0.1:${port}`,
      );
      await wrong(
        1,
        /^sluice serve: 127\.0\.0\.1:\d+ is in use: .* write --admin/,
        "--folder",
        manifests.folder,
        "--listen",
        "127.0.0.1:0",
        "--admin",
        `127.0.0.1:${port}`,
      );
      server.close();
    }
  });

  test("a folder that is not there", () =>
    wrong(1, /^sluice serve: folder \S+ does not exist/, "--folder", `${manifests.folder}/nowhere`, ...anywhere));

  test("files that cannot be read", async () => {
    const missing = `${manifests.folder}/missing.pem`;
    await wrong(
      1,
      /^sluice serve: --tls-cert \S+ cannot be read \(ENOENT\): write/,
      "--folder",
      manifests.folder,
      "--tls-listen",
      "127.0.0.1:0",
      "--tls-cert",
      missing,
      "--tls-key",
      missing,
    );
    await wrong(
      1,
      /^sluice serve: the Grants file \S+ cannot be read \(ENOENT\): write/,
      "--folder",
      manifests.folder,
      "--grants",
      missing,
    );
  });

  test("a certificate that is none", async () => {
    const file = `${manifests.folder}/cert.pem`;
    await writeFile(file, "no certificate");
    await wrong(
      1,
      /^sluice serve: \S+cert\.pem and \S+cert\.pem cannot be used .* write --tls-cert/,
      "--folder",
      manifests.folder,
      ...anywhere,
      "--tls-listen",
      "127.0.0.1:0",
      "--tls-cert",
      file,
      "--tls-key",
      file,
    );
  });

  test("neither a cluster nor a folder", () =>
    wrong(
      1,
      /^sluice serve: there is no cluster: this is no pod and the kubeconfig \S+ does not exist; write --kubeconfig FILE, or --folder DIR/,
      "--kubeconfig",
      `${manifests.folder}/none`,
      ...anywhere,
    ));

  test("wrong use", async () => {
    await wrong(2, /^sluice serve: unknown option --foldr: did you mean --folder\?/, "--foldr", "x");
    await wrong(
      2,
      /^sluice serve: --kubeconfig works only with --source cluster/,
      "--folder",
      "d",
      "--kubeconfig",
      "f",
    );
  });
});

describe("sluice serve", () => {
  test("one line `listening` once it is ready, answers, and exits 0 after SIGTERM", async () => {
    const gateway = serveFolder();
    const { traffic, admin } = await gateway.listening();
    const events = gateway.records.map(({ event }) => event);
    expect(events.slice(0, events.indexOf("listening") + 1)).toEqual(["open-claims", "store", "listening"]);
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    expect((await fetch(`${traffic}/ambassador/v0/check_ready`)).status).toBe(200);
    const agent = new Agent();
    expect(await post(traffic + path, agent)).toMatchObject({ status: 200, text: '{"data":{}}' });
    expect(await metric(admin, "sluice_requests_total")).toBe(1);
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    expect(gateway.errors).toBe("");
  });

  test("follows an edit of the manifests, and measures how long it took", async () => {
    const gateway = serveFolder();
    const { traffic, admin } = await gateway.listening();
    const second = await ModelServer.start();
    second.answer = (_, response) => response.end("second");
    await manifests.deploy("rose", second.port);
    const agent = new Agent();
    await until(async () => (await post(`${traffic}/seldon/prod/rose/api/v1.0/predictions`, agent)).text === "second");
    await until(async () => (await metric(admin, "sluice_change_live_seconds_count")) >= 1);
    await second.stop();
  });

  test("the control worker dies under load: no request fails, and changes are followed again", async () => {
    const gateway = serveFolder();
    const { traffic, admin } = await gateway.listening();
    const load = new LoadClient(8, () => traffic + path);
    await load.more(200);
    const version = await metric(admin, "sluice_table_version");
    for (let round = 0; round < 2; round++) {
      const ended = gateway.records.filter(({ event }) => event === "worker-ended").length;
      gateway.endThread("control");
      await until(async () => gateway.records.filter(({ event }) => event === "worker-ended").length > ended);
      await load.more(200);
      await until(async () => (await fetch(`${admin}/readyz`).catch(() => null))?.status === 200);
    }
    const before = load.answered;
    await load.more(200);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThan(before);
    // The same table, and no other; counters count on, slots mean the same Series.
    expect(await metric(admin, "sluice_table_version")).toBe(version);
    expect(await metric(admin, "sluice_requests_total")).toBe(load.answered);
    expect(await metric(admin, "sluice_worker_restarts_total")).toBe(2);
    await manifests.deploy("rose", model.port);
    const agent = new Agent();
    await until(async () => (await post(`${traffic}/seldon/prod/rose/api/v1.0/predictions`, agent)).status === 200);
    // The text of /metrics is made once a second.
    await until(async () => (await metric(admin, "sluice_table_version")) === version + 1);
  });

  test("a data worker dies: only its connections are lost, its gauges return to 0, totals do not fall", async () => {
    const gateway = serveFolder();
    const { traffic, admin } = await gateway.listening();
    const agents = Array.from({ length: 24 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const url = traffic + path;
    for (const agent of agents) expect((await post(url, agent)).status).toBe(200);
    expect(await metric(admin, 'sluice_connections{side="client",protocol="http1"}')).toBe(24);
    // Every connection has a request in flight when the worker dies.
    const held: (() => void)[] = [];
    model.answer = (_, response) => held.push(() => response.end("{}"));
    const inFlight = Promise.allSettled(agents.map((agent) => post(url, agent)));
    await until(async () => held.length === 24 && (await metric(admin, "sluice_requests_in_flight")) === 24);
    gateway.endThread("data-0");
    await gateway.seen("worker-ended", { thread: "data-0" });
    model.answer = (_, response) => response.end("{}");
    for (const release of held) release();
    const outcomes = await inFlight;
    const lost = outcomes.filter(({ status }) => status === "rejected").length;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(24);
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled" && outcome.value.status === 200)).toHaveLength(
      24 - lost,
    );
    await until(async () => (await metric(admin, "sluice_requests_in_flight")) === 0);
    expect(await metric(admin, "sluice_requests_total")).toBe(24 + 24 - lost);
    // The replacement never answers without a table.
    const load = new LoadClient(16, () => url);
    await load.more(300);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(await metric(admin, "sluice_worker_restarts_total")).toBe(1);
    for (const agent of agents) agent.destroy();
  });

  test(
    "a data worker that hangs in an endless loop is replaced, and a log line says where it stood",
    { timeout: 300_000 },
    async () => {
      const gateway = serveFolder("--worker-stall-ms", "3000");
      const { traffic, admin } = await gateway.listening();
      const url = traffic + path;
      const agents = Array.from({ length: 12 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
      for (const agent of agents) expect((await post(url, agent)).status).toBe(200);
      gateway.hangThread("data-0");
      const { stalledMs, stack } = await gateway.seen("worker-stalled", { thread: "data-0" });
      expect(stalledMs).toBeGreaterThanOrEqual(3000);
      expect(stack).toMatch(/^ {4}at (?:hangHere|hangIfNamed) \(.*end-thread\.ts:\d+\)\n/);
      expect(await gateway.seen("worker-ended", { thread: "data-0" })).toMatchObject({
        reason: expect.stringMatching(/^its event loop was blocked for \d+ ms$/) as string,
      });
      // Its connections ended, the others' did not, and what it counted is kept.
      const load = new LoadClient(8, () => url);
      await load.more(200);
      await load.stop();
      expect(load.failures).toEqual([]);
      expect(await metric(admin, "sluice_requests_total")).toBe(12 + load.answered);
      expect(await metric(admin, "sluice_worker_stalls_total")).toBe(1);
      expect(await metric(admin, "sluice_worker_restarts_total")).toBe(1);
      for (const agent of agents) agent.destroy();
    },
  );

  test("while no data worker turns /healthz fails; SIGTERM ends it all the same", { timeout: 90_000 }, async () => {
    const gateway = serveFolder("--worker-stall-ms", "2000");
    const { admin } = await gateway.listening();
    // Long after the start, when workers need not turn yet.
    await until(async () => {
      gateway.hangThread("data-0");
      gateway.hangThread("data-1");
      return (await fetch(`${admin}/healthz`)).status === 503;
    });
    await until(async () => (await metric(admin, "sluice_worker_stalls_total")) >= 2);
    await until(async () => (await fetch(`${admin}/healthz`)).status === 200);
    gateway.hangThread("data-0");
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
  });

  test("a second signal ends it at once", async () => {
    const gateway = serveFolder("--drain-wait-ms", "60000");
    const { traffic } = await gateway.listening();
    gateway.signal("SIGTERM");
    await gateway.seen("draining");
    expect((await post(traffic + path, new Agent())).status).toBe(200);
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(143);
  });

  test("SIGUSR1 and SIGUSR2 are ignored and said", async () => {
    const gateway = serveFolder();
    const { traffic } = await gateway.listening();
    for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
      gateway.signal(signal);
      expect(await gateway.seen("signal-ignored", { signal })).toMatchObject({ level: "warn" });
    }
    expect((await post(traffic + path, new Agent())).status).toBe(200);
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    expect(gateway.errors).not.toContain("Debugger");
  });

  test(
    "SIGHUP reads certificate, key and Grants again; what cannot be read stays as it was",
    { timeout: 60_000 },
    async () => {
      const file = (name: string): string => `${manifests.folder}/${name}`;
      const grantsFile = file("grants.txt");
      await Promise.all([
        writeFile(file("tls.crt"), certPem),
        writeFile(file("tls.key"), keyPem),
        writeFile(grantsFile, "grants: []"),
      ]);
      const mapping =
        'apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m, namespace: prod }\nspec: { prefix: /shared/, service: "iris-default:8000" }\n';
      await manifests.write("mapping.yaml", mapping);
      const gateway = serveFolder(
        "--tls-listen",
        "127.0.0.1:0",
        "--tls-cert",
        file("tls.crt"),
        "--tls-key",
        file("tls.key"),
        "--grants",
        grantsFile,
        "--claims",
        "granted",
      );
      const { traffic } = await gateway.listening();
      const { tls } = await gateway.seen("listening");
      const served = async (): Promise<string> => {
        const socket = connectTls({
          host: "127.0.0.1",
          port: Number(String(tls).split(":")[1]),
          rejectUnauthorized: false,
        });
        await once(socket, "secureConnect");
        const { fingerprint256 } = socket.getPeerCertificate();
        socket.destroy();
        return fingerprint256;
      };
      const before = await served();
      // A key alone, in the middle of a rotation, and Grants with a spelling mistake.
      const [otherCert, otherKey] = await otherIdentity(manifests.folder);
      await writeFile(file("tls.key"), otherKey);
      await writeFile(grantsFile, "grants: [{ namespace: prod, prefix: [/shared/] }]");
      gateway.signal("SIGHUP");
      await until(async () =>
        gateway.records.some(({ problem }) =>
          String(problem).includes("has a key that belongs to another one, so the one from before stays"),
        ),
      );
      expect(await gateway.seen("grants-refused")).toMatchObject({
        sentence: expect.stringContaining("grants[0].prefix is not known here: write prefixes") as string,
      });
      expect(await served()).toBe(before);
      const agent = new Agent();
      expect((await post(`${traffic}/shared/x`, agent)).status).toBe(404);
      // Both as they should be.
      await writeFile(file("tls.crt"), otherCert);
      await writeFile(grantsFile, "grants: [{ namespace: prod, prefixes: [/shared/] }]");
      gateway.signal("SIGHUP");
      await until(async () => (await served()) !== before);
      await gateway.seen("grants-changed");
      const { sentence } = await gateway.seen("change", { kind: "Certificate", outcome: "sent" });
      expect(sentence).toMatch(/^certificate: valid until 20\d\d-.*Z, sent to the data workers$/);
      await gateway.seen("change", {
        kind: "Grants",
        outcome: "sent",
        sentence: "prod: absent → present, decides what manifests may claim from now on",
      });
      await until(async () => (await post(`${traffic}/shared/x`, agent)).status === 200);
      expect((await post(traffic + path, agent)).status).toBe(200);
      // Nobody calls that a fault.
      expect(gateway.records.filter(({ event }) => event === "worker-ended")).toEqual([]);
      gateway.signal("SIGTERM");
      expect(await gateway.exited).toBe(0);
    },
  );

  test("a drain finishes what is in flight", async () => {
    const gateway = serveFolder();
    const { traffic, admin } = await gateway.listening();
    const arrived = Promise.withResolvers<() => void>();
    model.answer = (_, response) => arrived.resolve(() => response.end("late"));
    const answer = post(traffic + path, new Agent({ keepAlive: true }));
    const release = await arrived.promise;
    gateway.signal("SIGTERM");
    await gateway.seen("draining");
    await until(async () => (await fetch(`${admin}/readyz`)).status === 503);
    release();
    expect(await answer).toMatchObject({ status: 200, text: "late" });
    expect(await gateway.exited).toBe(0);
  });

  test("a rolling restart of two gateways loses nothing", { timeout: 90_000 }, async () => {
    const start = (): GatewayProcess => serveFolder("--workers", "1", "--drain-wait-ms", "400");
    const running: { gateway: GatewayProcess; traffic: string; ready: boolean }[] = [];
    const add = async (): Promise<void> => {
      const gateway = start();
      running.push({ gateway, traffic: (await gateway.listening()).traffic, ready: true });
    };
    await add();
    await add();
    // As a Service does: each replica's readiness is asked again and again, and requests go to those that were ready.
    let next = 0;
    const load = new LoadClient(8, () => {
      const ready = running.filter((one) => one.ready);
      return `${ready[next++ % ready.length]?.traffic ?? "http://nobody.is.ready"}${path}`;
    });
    const probes = setInterval(() => {
      for (const one of running) {
        void fetch(`${one.traffic}/ambassador/v0/check_ready`).then(
          ({ status }) => (one.ready = status === 200),
          () => (one.ready = false),
        );
      }
    }, 50);
    for (let round = 0; round < 2; round++) {
      await load.more(100);
      const { gateway } = running[0]!;
      gateway.signal("SIGTERM");
      expect(await gateway.exited).toBe(0);
      running.shift();
      await add();
      await load.more(100);
    }
    clearInterval(probes);
    await load.stop();
    expect(load.failures).toEqual([]);
  });
});
