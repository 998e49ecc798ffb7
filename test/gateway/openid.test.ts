// Tokens of a real OpenID provider, in a whole process: keys that change while requests run, a provider that is away, and threads that end.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { http1Peers } from "../wire/endless-peers.ts";
import { Origin } from "../wire/origin.ts";
import { OpenidIssuer, rsaJwk } from "./openid-issuer.ts";
import { until } from "./until.ts";

let issuer: OpenidIssuer;
let stage: GatewayStage;
let gateway: GatewayProcess;
let at: { readonly traffic: string; readonly admin: string };
/** What the model got of each request: user and client. */
let got: string[];

const [first, second, third] = [rsaJwk("first"), rsaJwk("second"), rsaJwk("third")];

beforeEach(async () => {
  [stage, issuer] = [await GatewayStage.open(), await new OpenidIssuer().start(first)];
  got = [];
  stage.model.answer = ({ headers }, response) => {
    got.push(`${String(headers["x-user"])} ${String(headers["x-sluice-client"])} ${String(headers.authorization)}`);
    response.end("{}");
  };
  await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/auth": "corp" });
});
afterEach(async () => {
  await stage.close();
  await issuer.stop().catch(() => undefined);
});

/** `others`: addresses of the keys of more providers, by name. */
async function serve(others: Readonly<Record<string, string>> = {}): Promise<void> {
  const provider = {
    kind: "jwt",
    issuer: issuer.url,
    audiences: "models",
    jwks: `${issuer.url}/jwks`,
    claims: { scope: "predict" },
    headers: { "x-user": "client_id" },
  };
  const odd = Object.fromEntries(Object.entries(others).map(([name, jwks]) => [name, { ...provider, jwks }]));
  await stage.files.write("policy.yaml", JSON.stringify({ clientHeader: true, providers: { corp: provider, ...odd } }));
  gateway = stage.serve(2, "--policy", `${stage.files.folder}/policy.yaml`);
  at = await gateway.listening();
}

async function ask(
  token: string,
  deployment = "iris",
): Promise<{ readonly status: number; readonly text: string; readonly challenge: string | null }> {
  const answer = await fetch(`${at.traffic}/seldon/prod/${deployment}/api/v1.0/predictions`, {
    method: "POST",
    body: "{}",
    headers: { authorization: `Bearer ${token}`, "x-user": "root" },
  });
  return { status: answer.status, text: await answer.text(), challenge: answer.headers.get("www-authenticate") };
}

async function problems(): Promise<string> {
  return (await fetch(`${at.admin}/api/v1/problems`, { headers: { accept: "text/plain" } })).text();
}

test("keys change while requests run, and no request with a good token fails", async () => {
  await serve();
  const old = await issuer.token("mobile");
  expect(await ask(old)).toMatchObject({ status: 200 });
  expect(got).toEqual(["mobile mobile undefined"]);
  expect(await ask(await issuer.token("mobile", ""))).toMatchObject({
    status: 403,
    challenge: expect.stringContaining('error="insufficient_scope"') as string,
  });

  const failed: unknown[] = [];
  const done = new AbortController();
  const running = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!done.signal.aborted) {
        const answer = await ask(await issuer.token("batch"));
        if (answer.status !== 200) failed.push(answer);
      }
    }),
  );
  const count = got.length;
  await until(() => got.length > count + 50, "requests before");
  // The new key signs from the moment on in which it is published.
  issuer.publish(second, first);
  await until(() => got.length > count + 150, "requests after");
  done.abort();
  await running;
  expect(failed).toEqual([]);
  // Once at the start, and once because a key was new.
  expect(issuer.fetches).toBe(2);
  expect(await ask(old)).toMatchObject({ status: 200 });
});

test("a provider that is away admits by its last keys, whoever restarts, and nobody by others", async () => {
  await serve();
  const token = await issuer.token("batch");
  const other = await issuer.token("mobile");
  expect(await ask(token)).toMatchObject({ status: 200 });
  issuer.publish(second, first);
  const unknown = await issuer.token("batch");
  await issuer.stop();
  expect(await ask(unknown)).toMatchObject({
    status: 401,
    text: expect.stringContaining("does not publish") as string,
  });
  expect(await ask(other)).toMatchObject({ status: 200 });
  await until(async () => (await problems()).includes("are not renewed, and the last ones hold"), "the Problem");

  gateway.endThread("control");
  await gateway.seen("worker-ended", { thread: "control" });
  await until(
    async () => (await problems().catch(() => "")).includes("are not renewed, and the last ones hold"),
    "the Problem of the successor",
  );
  expect(await ask(token)).toMatchObject({ status: 200 });

  issuer = await issuer.start();
  await until(async () => (await ask(unknown)).status === 200, "the provider is back");
  await until(async () => !(await problems()).includes("provider-keys"), "no Problem any more");
});

test("keys that were never got admit nobody, and those that come do", async () => {
  issuer.jwksInstead = (_, response) => response.end("<html>");
  await serve();
  const token = await issuer.token("batch");
  expect(await ask(token)).toMatchObject({
    status: 503,
    text: expect.stringContaining("the keys of the provider corp are not known yet") as string,
  });
  expect(await problems()).toMatch(/provider-keys.*are not known, so it admits nobody: it is HTML/);
  issuer.jwksInstead = null;
  await until(async () => (await ask(token)).status === 200, "the keys came");
});

test("servers of keys that speak no such protocol, or do not end, are left after 5 s, and keep no other provider from its keys", async () => {
  const names = Object.keys(http1Peers);
  const origins = await Promise.all(
    Object.values(http1Peers).map(({ first: begin, drop, ends }) =>
      new Origin(({ socket }) => {
        socket.write(begin);
        if (ends) socket.end();
        const dripping = drop === "" ? undefined : setInterval(() => socket.writable && socket.write(drop), 50);
        socket.once("close", () => clearInterval(dripping));
      }).listen(),
    ),
  );
  try {
    for (const at of names.keys())
      await stage.manifests.deploy(`odd-${at}`, stage.model.port, "prod", { "sluice.io/auth": `odd-${at}` });
    await serve(Object.fromEntries(origins.map(({ port }, at) => [`odd-${at}`, `http://127.0.0.1:${port}/jwks`])));
    const token = await issuer.token("batch");
    await until(async () => (await ask(token)).status === 200, "the provider that answers");
    await until(async () => {
      const said = await problems();
      return names.every((_, index) =>
        new RegExp(`odd-${index}: .* are not known, so it admits nobody: they cannot be fetched`).test(said),
      );
    }, "a reason for each");
    for (const index of names.keys()) expect((await ask(token, `odd-${index}`)).status).toBe(503);
  } finally {
    await Promise.all(origins.map((origin) => origin.close()));
  }
});

test("a key that is withdrawn admits nobody any more, also whom it admitted before", async () => {
  await serve();
  const token = await issuer.token("batch");
  expect(await ask(token)).toMatchObject({ status: 200 });
  issuer.publish(third);
  const fresh = await issuer.token("batch");
  expect(await ask(fresh)).toMatchObject({ status: 200 });
  expect(await ask(token)).toMatchObject({ status: 401 });
  expect(JSON.stringify(gateway.records)).not.toContain(token.split(".")[2]);
});
