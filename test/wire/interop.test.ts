// gRPC's own interop suite (google.golang.org/grpc/interop): its client and its server, the gateway between. Skipped where they are not
// cached: build them with `test/tools/grpc-interop.sh client` and `… server`.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mapping } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { endpointsOn, Gateway, irisTo } from "./gateway.ts";
import { Origin } from "./origin.ts";
import { certPem, keyPem } from "./identity.ts";

const tool = (half: string): string =>
  new URL(`../../.cache/tools/grpc-interop-${half}-v1.83.1`, import.meta.url).pathname;

/** All that pass through Envoy. The last four pass with any gateway, and with none. */
const cases = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "custom_metadata",
  "status_code_and_message",
  "special_status_message",
  "cancel_after_first_response",
  "cancel_after_begin",
  "timeout_on_sleeping_server",
  "unimplemented_method",
  "unimplemented_service",
] as const;

/** What Seldon's gRPC Mapping is, but for the path: the suite has services of its own. */
function interopTo(upstream: string, deployment: string): Mapping {
  const mapping = irisTo(upstream, { rewrite: { kind: "none" } });
  const exact = (name: string, value: string): Mapping["match"]["headers"][number] => ({
    name,
    value: { kind: "exact", value },
  });
  return {
    ...mapping,
    id: deployment,
    match: {
      ...mapping.match,
      path: { kind: "prefix", prefix: "/grpc.testing.", caseSensitive: true },
      headers: [exact("seldon", deployment), exact("namespace", "prod")],
    },
  };
}

describe.runIf(existsSync(tool("client")) && existsSync(tool("server")))("gRPC interop", () => {
  const servers: ChildProcess[] = [];
  let folder: string;
  let gateway: Gateway;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-interop-"));
    writeFileSync(join(folder, "tls.crt"), certPem);
    writeFileSync(join(folder, "tls.key"), keyPem);
    gateway = await new Gateway({ time: "real" }).listen();
    const [plain, secure] = [
      await startServer(),
      await startServer(
        "--use_tls",
        `--tls_cert_file=${join(folder, "tls.crt")}`,
        `--tls_key_file=${join(folder, "tls.key")}`,
      ),
    ];
    gateway.serve(
      [interopTo("plain", "m"), interopTo("secure", "s")],
      [
        { ...upstreamOf("plain"), protocol: "http2" },
        {
          ...upstreamOf("secure"),
          protocol: "http2",
          tls: { context: "test", sni: null, caPem: null, certificate: null },
        },
      ],
      [endpointsOn("plain", [plain]), endpointsOn("secure", [secure])],
    );
  }, 30_000);

  afterAll(() => {
    for (const server of servers) server.kill("SIGKILL");
    gateway.close();
    rmSync(folder, { recursive: true });
  });

  /** The server takes no port 0: one that was free a moment ago. */
  async function startServer(...options: readonly string[]): Promise<number> {
    const free = await new Origin().listen();
    const { port } = free;
    await free.close();
    servers.push(spawn(tool("server"), [`--port=${port}`, ...options], { stdio: "ignore" }));
    while (!(await listens(port))) await new Promise((resolve) => setTimeout(resolve, 10));
    return port;
  }

  async function run(name: string, secure: boolean): Promise<string> {
    const tls = secure
      ? ["--use_tls", "--use_test_ca", `--ca_file=${join(folder, "tls.crt")}`, "--server_host_override=localhost"]
      : [];
    const metadata = `--additional_metadata=seldon:${secure ? "s" : "m"};namespace:prod`;
    const argv = [
      "--server_host=127.0.0.1",
      `--server_port=${secure ? gateway.tlsPort : gateway.port}`,
      `--test_case=${name}`,
      metadata,
      ...tls,
    ];
    return promisify(execFile)(tool("client"), argv, { timeout: 20_000 }).then(
      () => "passed",
      (error: { stderr: string }) => error.stderr,
    );
  }

  test.each(cases)(
    "%s",
    async (name) => {
      expect(await run(name, false)).toBe("passed");
    },
    30_000,
  );

  test.each(cases)(
    "%s over TLS on both sides",
    async (name) => {
      expect(await run(name, true)).toBe("passed");
    },
    30_000,
  );

  test("fails without a route", async () => {
    gateway.serve([], [], []);
    expect(await run("empty_unary", false)).toContain("Unimplemented");
  }, 30_000);
});

async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
