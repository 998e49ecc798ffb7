// The gateway under test as a real process of two workers, its manifests with one Mapping of each kind, and what it shows of itself.
import { hash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess } from "../gateway/gateway-process.ts";
import { certPem, keyPem } from "../wire/identity.ts";
import { AdminCanary } from "./admin-canary.ts";
import { adminToken, viewerNamespace, viewerToken } from "./admin-requests.ts";
import { CalmOrigins } from "./calm-origins.ts";
import { Canary } from "./canary.ts";
import type { Ports } from "./clients.ts";
import { CpuClock } from "./cpu-clock.ts";
import { drippingHttp1, hostileHttp1, hostileHttp2, type HostileOrigin } from "./hostile-origins.ts";
import { manifestsOf } from "./manifests.ts";
import { Moments } from "./moments.ts";
import { balancerAddress } from "./proxy-headers.ts";

/** Short limits, so that what is held shows soon whether it is held for ever; not so short that a busy machine breaks the canary's calls. */
const limits = [
  "--head-timeout-ms",
  "2000",
  "--body-idle-timeout-ms",
  "2000",
  "--write-stall-timeout-ms",
  "2000",
  "--default-timeout-ms",
  "500",
  "--stream-idle-timeout-ms",
  "15000",
  "--connect-timeout-ms",
  "1000",
  "--upstream-idle-ms",
  "300",
  "--shadow-timeout-ms",
  "1000",
];
const settleMs = 30_000;
/** /metrics of a process that stands still, and a question whether an Endpoint is well. */
const askMs = 20_000;

interface Residue {
  readonly name: string;
  readonly value: number;
}

export class Stage {
  readonly moments: Moments;
  readonly ports: Ports;
  readonly canary: Canary;
  readonly adminCanary: AdminCanary;
  readonly cpu: CpuClock;
  readonly #control: CpuClock;
  readonly #gateway: GatewayProcess;
  readonly #admin: string;
  readonly #folder: string;
  readonly #calm: CalmOrigins;
  readonly #hostile: readonly HostileOrigin[];
  #exited = false;
  /** Descriptors when nothing was open; set by the first `settled`. */
  #restingDescriptors = Infinity;

  private constructor(
    gateway: GatewayProcess,
    admin: string,
    folder: string,
    ports: Ports,
    calm: CalmOrigins,
    hostile: readonly HostileOrigin[],
    moments: Moments,
  ) {
    this.#gateway = gateway;
    this.#admin = admin;
    this.#folder = folder;
    this.ports = ports;
    this.#calm = calm;
    this.#hostile = hostile;
    this.moments = moments;
    this.cpu = new CpuClock(gateway.process.pid!);
    this.canary = new Canary(ports.plain, moments, this.cpu);
    this.#control = new CpuClock(gateway.process.pid!, "control");
    this.adminCanary = new AdminCanary(admin, this.#control);
    void gateway.exited.then(() => (this.#exited = true));
    process.once("exit", () => gateway.process.kill("SIGKILL"));
  }

  static async start(seed: number): Promise<Stage> {
    const moments = new Moments();
    const calm = new CalmOrigins();
    const { http1, http2 } = await calm.listen();
    const hostile = [
      await hostileHttp1(seed, moments).listen(),
      await hostileHttp2(seed, moments).listen(),
      await drippingHttp1().listen(),
      await hostileHttp1(seed ^ 0x33333333, moments, "/guarded/").listen(),
    ];
    const folder = mkdtempSync(join(tmpdir(), "sluice-fuzz-"));
    writeFileSync(join(folder, "tls.crt"), certPem);
    writeFileSync(join(folder, "tls.key"), keyPem);
    writeFileSync(
      join(folder, "all.yaml"),
      manifestsOf({
        calm: { http1, http2 },
        hostile: { http1: hostile[0]!.port, http2: hostile[1]!.port },
        dripping: hostile[2]!.port,
        auth: hostile[3]!.port,
      }),
    );
    const digest = hash("sha256", viewerToken);
    writeFileSync(
      join(folder, "policy"),
      `viewers: { v: { namespaces: [${viewerNamespace}], token: "sha256:${digest}" } }`,
    );
    const gateway = new GatewayProcess([
      "serve",
      "--folder",
      folder,
      "--listen",
      "127.0.0.1:0",
      "--tls-listen",
      "127.0.0.1:0",
      "--tls-cert",
      join(folder, "tls.crt"),
      "--tls-key",
      join(folder, "tls.key"),
      "--admin",
      "0.0.0.0:0",
      "--admin-token",
      adminToken,
      "--policy",
      join(folder, "policy"),
      "--workers",
      "2",
      "--access-log",
      "off",
      "--proxy-protocol",
      "both",
      "--proxy-protocol-from",
      balancerAddress,
      ...limits,
    ]);
    const record = await gateway.seen("listening");
    const portOf = (address: unknown): number => Number(String(address).split(":").at(-1));
    const admin = portOf(record["admin"]);
    const stage = new Stage(
      gateway,
      `http://127.0.0.1:${admin}`,
      folder,
      { plain: portOf(record["address"]), tls: portOf(record["tls"]), admin },
      calm,
      hostile,
      moments,
    );
    stage.cpu.start();
    stage.#control.start();
    stage.canary.start();
    stage.adminCanary.start();
    return stage;
  }

  /** What has gone wrong so far, without asking the gateway; null: nothing. */
  get fault(): string | null {
    if (this.#exited) return `the gateway has ended: ${this.#gateway.errors.slice(0, 2000)}`;
    const ended = this.#gateway.records.find(({ event }) => /restart|ended|stuck|silent|replaced|uncaught/.test(event));
    return (
      this.canary.fault ??
      this.adminCanary.fault ??
      this.#calm.fault ??
      (performance.now() - this.#calm.probedMs > askMs
        ? `nobody asked a healthy Endpoint whether it is, for ${askMs} ms`
        : null) ??
      (ended === undefined ? null : `the gateway logs ${JSON.stringify(ended)}`)
    );
  }

  /** Bytes of the process that are resident; 0 where the kernel does not tell. */
  get residentBytes(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(this.#status())?.[1] ?? 0) * 1024;
  }

  /**
   * Ends the canary's connections and the origins', waits until nothing is left of any case, and starts the canary again. Gives what is left
   * where something is.
   */
  async settled(): Promise<string | null> {
    await Promise.all([this.canary.stop(), this.adminCanary.stop()]);
    if (this.fault !== null) return this.fault;
    const untilMs = performance.now() + settleMs;
    for (;;) {
      // Again and again: what was still under way may open connections, which the gateway may keep for later.
      this.#calm.drop();
      for (const origin of this.#hostile) origin.drop();
      const metrics = await this.#metrics();
      if (metrics === null) return `its /metrics had no answer for ${askMs} ms`;
      const broken = brokenOf(metrics);
      if (broken !== null) return broken;
      const left = residueOf(metrics);
      const descriptors = this.#descriptors();
      if (left.length === 0 && descriptors <= this.#restingDescriptors) {
        if (this.#restingDescriptors === Infinity) this.#restingDescriptors = descriptors;
        this.canary.start();
        this.adminCanary.start();
        return null;
      }
      if (performance.now() > untilMs) {
        const told = left.map(({ name, value }) => `${name} ${value}`).join(", ");
        return `left after ${settleMs} ms: ${told === "" ? `${descriptors} descriptors instead of ${this.#restingDescriptors}` : told}`;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
  }

  async close(): Promise<void> {
    this.cpu.stop();
    this.#control.stop();
    await this.#gateway.kill();
    await Promise.all([this.canary.stop(), this.adminCanary.stop()]);
    this.#calm.close();
    await Promise.all(this.#hostile.map((origin) => origin.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #metrics(): Promise<string | null> {
    try {
      return await (
        await fetch(`${this.#admin}/metrics`, { signal: AbortSignal.timeout(askMs), headers: { connection: "close" } })
      ).text();
    } catch {
      return null;
    }
  }

  #status(): string {
    try {
      return readFileSync(`/proc/${this.#gateway.process.pid}/status`, "utf8");
    } catch {
      return "";
    }
  }

  /** But those of /dev/null: each thread keeps one from its first socket on. 0 where the kernel does not tell. */
  #descriptors(): number {
    const folder = `/proc/${this.#gateway.process.pid}/fd`;
    try {
      return readdirSync(folder).filter((descriptor) => targetOf(`${folder}/${descriptor}`) !== "/dev/null").length;
    } catch {
      return 0;
    }
  }
}

/** "": it is closed by now. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

function samplesOf(metrics: string, family: string): readonly Residue[] {
  return metrics
    .split("\n")
    .filter((line) => line.startsWith(`${family} `) || line.startsWith(`${family}{`))
    .map((line) => ({
      name: line.slice(0, line.lastIndexOf(" ")),
      value: Number(line.slice(line.lastIndexOf(" ") + 1)),
    }));
}

/** Errors inside the gateway. */
function brokenOf(metrics: string): string | null {
  const broken = [
    ...samplesOf(metrics, "sluice_faults_total"),
    ...samplesOf(metrics, "sluice_worker_restarts_total"),
  ].find(({ value }) => value > 0);
  return broken === undefined ? null : `${broken.name} is ${broken.value}`;
}

const residues = [
  "sluice_requests_in_flight",
  "sluice_connections",
  "sluice_queued_response_bytes",
  "sluice_buffered_request_bytes",
  "sluice_breaker_use",
  "sluice_breakers_open",
  "sluice_shadows_in_flight",
  "sluice_shadows_queued",
  "sluice_shadow_buffered_bytes",
];

/** Everything that must be nothing when nobody is there. */
function residueOf(metrics: string): readonly Residue[] {
  for (const family of residues)
    if (!metrics.includes(`# TYPE ${family} `))
      throw new Error(`/metrics has no family ${family}: nobody would see what is left of it`);
  return residues.flatMap((family) => samplesOf(metrics, family)).filter(({ value }) => value !== 0);
}
