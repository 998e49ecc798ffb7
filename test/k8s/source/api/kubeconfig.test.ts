import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAccess } from "../../../../k8s/source/api/access.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-kubeconfig-"));
  file = join(folder, "config");
});

afterEach(() => rm(folder, { recursive: true }));

const pem = (text: string): string => Buffer.from(`-----BEGIN ${text}-----`).toString("base64");

function config(user: unknown, cluster: object = {}): Promise<void> {
  return writeFile(
    file,
    JSON.stringify({
      "current-context": "one",
      clusters: [
        {
          name: "c",
          cluster: { server: "https://api.example:6443/", "certificate-authority-data": pem("CA"), ...cluster },
        },
      ],
      users: [{ name: "u", user }],
      contexts: [
        { name: "one", context: { cluster: "c", user: "u" } },
        { name: "lost", context: { cluster: "missing", user: "u" } },
      ],
    }),
  );
}

describe("a kubeconfig", () => {
  test("gives server, authority and token", async () => {
    await config({ token: "secret" }, { "tls-server-name": "inner" });
    const access = await openAccess({ kind: "kubeconfig", file, context: null });
    expect(access.server).toBe("https://api.example:6443");
    expect(await access.credentials()).toEqual({
      headers: { authorization: "Bearer secret" },
      tls: { ca: Buffer.from("-----BEGIN CA-----"), cert: null, key: null, verify: true, serverName: "inner" },
      proxy: null,
    });
  });

  test("gives client certificates, and passwords", async () => {
    await config(
      { "client-certificate-data": pem("CERT"), "client-key-data": pem("KEY") },
      { "insecure-skip-tls-verify": true },
    );
    const { tls } = await (await openAccess({ kind: "kubeconfig", file, context: "one" })).credentials();
    expect(tls).toMatchObject({
      cert: Buffer.from("-----BEGIN CERT-----"),
      key: Buffer.from("-----BEGIN KEY-----"),
      verify: false,
    });
    await config({ username: "ann", password: "pass" });
    expect((await (await openAccess({ kind: "kubeconfig", file, context: "one" })).credentials()).headers).toEqual({
      authorization: `Basic ${Buffer.from("ann:pass").toString("base64")}`,
    });
  });

  test("runs an exec plugin once, and again when its token is refused", async () => {
    const count = join(folder, "count");
    const script = `echo x >> ${count}; echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$(wc -l < ${count} | tr -d ' ')'","expirationTimestamp":"2099-01-01T00:00:00Z"}}'`;
    await config({
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "sh",
        args: ["-c", script],
        interactiveMode: "Never",
      },
    });
    const access = await openAccess({ kind: "kubeconfig", file, context: null });
    expect((await access.credentials()).headers).toEqual({ authorization: "Bearer 1" });
    expect((await access.credentials()).headers).toEqual({ authorization: "Bearer 1" });
    await access.renew();
    expect((await access.credentials()).headers).toEqual({ authorization: "Bearer 2" });
  });

  test("that is edited counts after a refusal", async () => {
    await config({ token: "old" });
    const access = await openAccess({ kind: "kubeconfig", file, context: null });
    await config({ token: "new" });
    await access.renew();
    expect((await access.credentials()).headers).toEqual({ authorization: "Bearer new" });
  });

  test("that cannot be used says what to write", async () => {
    const open = (context: string | null, name = file): Promise<unknown> =>
      openAccess({ kind: "kubeconfig", file: name, context });
    await expect(open(null, join(folder, "none"))).rejects.toThrow(
      /^there is no cluster: this is no pod and the kubeconfig \S+none does not exist; write --kubeconfig FILE, or --folder DIR/,
    );
    await writeFile(file, '{"clusters": [');
    await expect(open(null)).rejects.toThrow(/^the kubeconfig \S+ cannot be read \(.+\): write --kubeconfig/);
    await config({ token: "x" });
    await expect(open("two")).rejects.toThrow(/has no context "two": write --context with one of one, lost$/);
    await expect(open("lost")).rejects.toThrow(/^the context "lost" .* names a cluster that it does not hold/);
  });
});

describe("a service account", () => {
  test("is read for each request: a new token counts at once", async () => {
    await writeFile(join(folder, "token"), "first\n");
    await writeFile(join(folder, "ca.crt"), "authority");
    const access = await openAccess({ kind: "pod", server: "https://10.0.0.1:443", folder });
    expect(await access.credentials()).toMatchObject({
      headers: { authorization: "Bearer first" },
      tls: { ca: "authority" },
    });
    await writeFile(join(folder, "token"), "second");
    expect((await access.credentials()).headers).toEqual({ authorization: "Bearer second" });
  });

  test("without its files says what to do", async () => {
    const access = await openAccess({ kind: "pod", server: "https://10.0.0.1:443", folder: join(folder, "none") });
    await expect(access.credentials()).rejects.toThrow(
      /^the service account's file \S+token cannot be read \(ENOENT\): mount the token/,
    );
  });
});
