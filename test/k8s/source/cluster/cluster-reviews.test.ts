import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Api } from "../../../../k8s/source/api/api.ts";
import { ClusterReviews } from "../../../../k8s/source/cluster/cluster-reviews.ts";

let server: Server;
let asked: { readonly path: string; readonly body: Record<string, unknown> }[] = [];
let answer: { readonly status: number; readonly body: string };

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
    request.once("end", () => {
      asked.push({
        path: `${request.method} ${request.url}`,
        body: JSON.parse(text) as Record<string, unknown>,
      });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function reviews(): ClusterReviews {
  return new ClusterReviews(
    new Api({
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: async () => ({
        headers: {},
        tls: { ca: null, cert: null, key: null, verify: true, serverName: null },
        proxy: null,
      }),
      renew: async () => undefined,
    }),
  );
}
const says = (status: unknown, code = 201): void => {
  answer = { status: code, body: JSON.stringify({ status }) };
};
const jane = { kind: "user", user: "jane", uid: "1", groups: ["a"], extra: { x: ["y"] } } as const;

describe("a token", () => {
  test("is whose the API server says", async () => {
    says({ authenticated: true, user: { username: "jane", uid: "1", groups: ["a"], extra: { x: ["y"] } } });
    expect(await reviews().userOf("abc")).toEqual(jane);
    expect(asked[0]).toMatchObject({
      path: "POST /apis/authentication.k8s.io/v1/tokenreviews",
      body: { kind: "TokenReview", spec: { token: "abc" } },
    });
  });

  test.each([
    [{ authenticated: false, user: { username: "jane" } }],
    [{ user: { username: "jane" } }],
    [{ authenticated: "true", user: { username: "jane" } }],
    [{ authenticated: true, user: {} }],
    [{ authenticated: true }],
    [null],
  ])("of which it says %j is nobody's", async (status) => {
    says(status);
    expect(await reviews().userOf("abc")).toEqual({ kind: "nobody" });
  });

  test.each([403, 404, 500])("is not known after an answer of %i", async (code) => {
    says({ authenticated: true, user: { username: "jane" } }, code);
    expect(await reviews().userOf("abc")).toEqual({ kind: "away" });
    expect(await reviews().mayRead(jane, "a")).toBe("away");
  });
});

describe("a right", () => {
  test.each([
    [{ allowed: true }, "yes"],
    [{ allowed: true, denied: true }, "no"],
    [{ allowed: false }, "no"],
    [{ allowed: "true" }, "no"],
    [{}, "no"],
    [null, "no"],
  ])("by %j: %s", async (status, right) => {
    says(status);
    expect(await reviews().mayRead(jane, "models")).toBe(right);
    expect(asked[0]).toMatchObject({
      path: "POST /apis/authorization.k8s.io/v1/subjectaccessreviews",
      body: {
        spec: {
          user: "jane",
          groups: ["a"],
          extra: { x: ["y"] },
          resourceAttributes: {
            group: "machinelearning.seldon.io",
            resource: "seldondeployments",
            verb: "get",
            namespace: "models",
          },
        },
      },
    });
  });

  test("is not known where the answer is no JSON", async () => {
    answer = { status: 201, body: "<html>" };
    expect(await reviews().mayRead(jane, "a")).toBe("away");
  });
});
