// Puids on the wire: which requests get one that names the predictor, and that every try and every copy of a request says the same.
import { beforeEach, describe, expect, test } from "vitest";
import { PuidSigner } from "../../gateway/edge/feedback/puid.ts";
import { fieldOf } from "./client.ts";
import { endpointsOn, Gateway, post, transports } from "./gateway.ts";
import { Http2Origin } from "./http2-origin.ts";
import { Origin, requestsIn } from "./origin.ts";
import { executors, memberMapping, puidIn, serveMembers, type Member } from "./predictors.ts";
import { upstreamOf } from "../gateway/fixtures.ts";

const keys = [new Uint8Array(32).fill(9)];
const signerOf = (predictor: string, deployment = "iris"): PuidSigner =>
  new PuidSigner(keys, { namespace: "prod", deployment, predictor, model: "" });

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origins: ReadonlyMap<string, Origin>;
  const serve = (...members: readonly Member[]): void =>
    serveMembers(gateway, members, ({ predictor }) => origins.get(predictor)!.port);

  beforeEach(async () => {
    gateway = await new Gateway({ puidKeys: keys }).listen();
    origins = await executors(["main", "canary"]);
    return async () => {
      gateway.close();
      for (const origin of origins.values()) await origin.close();
    };
  });

  test("of two predictors each gets puids that name it, and no two are equal", async () => {
    serve({ predictor: "main", share: 0.5 }, { predictor: "canary", share: 0.5 });
    const seen = new Set<string>();
    for (let at = 0; at < 40; at++) {
      const answer = await gateway.ask(secure, post("{}"));
      const model = fieldOf(answer, "x-model")!;
      const puid = fieldOf(answer, "seldon-puid")!;
      for (const name of ["main", "canary"])
        expect(signerOf(name).whose(puid)).toBe(name === model ? "model" : "others");
      seen.add(puid);
    }
    expect(seen.size).toBe(40);
    for (const origin of origins.values()) expect(requestsIn(origin.text).length).toBeGreaterThan(5);
  });

  test("members that are two deployments of one Route are named, and so is one that is alone with its share", async () => {
    serve(
      { predictor: "main", share: 1, weight: 75 },
      { predictor: "canary", share: 1, deployment: "iris-2", weight: 25 },
    );
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.ask(secure, post("{}"))));
    for (const answer of answers) {
      const model = fieldOf(answer, "x-model")!;
      expect(signerOf(model, model === "main" ? "iris" : "iris-2").whose(fieldOf(answer, "seldon-puid")!)).toBe(
        "model",
      );
    }
    // Its feedback may come when the other has a share.
    serve({ predictor: "main", share: 1 }, { predictor: "canary", share: 0 });
    const answer = await gateway.ask(secure, post("{}"));
    expect(signerOf("main").whose(fieldOf(answer, "seldon-puid")!)).toBe("model");
  });

  test("a sole predictor gets none, and a client's own stays, also an empty one", async () => {
    serve({ predictor: "main", share: 1 });
    expect(fieldOf(await gateway.ask(secure, post("{}")), "seldon-puid")).toBe("own");
    serve({ predictor: "main", share: 0.5 }, { predictor: "canary", share: 0.5 });
    for (const own of ["Seldon-Puid: mine\r\n", "SELDON-PUID: mine\r\n"])
      expect(fieldOf(await gateway.ask(secure, post("{}", own)), "seldon-puid")).toBe("mine");
    await gateway.ask(secure, post("{}", "seldon-puid:\r\n"));
    const heads = [...origins.values()].flatMap(({ text }) => requestsIn(text));
    expect(heads.filter((head) => (head.match(/seldon-puid/gi) ?? []).length > 1)).toEqual([]);
  });

  test("a predictor is named while its Route has another one, which may come and go", async () => {
    const puid = async (): Promise<string> => fieldOf(await gateway.ask(secure, post("{}")), "seldon-puid")!;
    for (const others of [[], [{ predictor: "canary", share: 0 }], [], [{ predictor: "canary", share: 0 }]]) {
      serve({ predictor: "main", share: 1 }, ...others);
      if (others.length === 0) expect(await puid()).toBe("own");
      else expect(signerOf("main").whose(await puid())).toBe("model");
    }
  });

  test("feedback gets none: what it is about has one", async () => {
    serve({ predictor: "main", share: 1 }, { predictor: "canary", share: 0 });
    const feedback = post('{"reward":1}', "", "/seldon/prod/iris/api/v1.0/feedback");
    expect(fieldOf(await gateway.ask(secure, feedback), "seldon-puid")).toBe("own");
  });

  test("to HTTP/2 it is a field, as gRPC's metadata", async () => {
    const origin = await new Http2Origin().listen();
    serveMembers(
      gateway,
      [
        { predictor: "main", share: 1, protocol: "http2" },
        { predictor: "canary", share: 0, protocol: "http2" },
      ],
      () => origin.port,
    );
    await gateway.ask(secure, post("{}"));
    await gateway.ask(secure, post("{}", "Seldon-Puid: mine\r\n"));
    const [first, second] = origin.requests;
    expect(signerOf("main").whose(String(first!.headers["seldon-puid"]))).toBe("model");
    expect(second!.headers["seldon-puid"]).toBe("mine");
    origin.close();
  });

  test("another try of a request, and its copy for a shadow, say the same puid", async () => {
    const failing = await new Origin((connection) => {
      if (requestsIn(connection.text).length > 0)
        connection.socket.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    }).listen();
    const shadow = await new Origin().listen();
    const main = memberMapping({ predictor: "main", share: 1 });
    const retry = { retryOn: ["5xx"], numRetries: 3, perTryTimeoutMs: null };
    gateway.serve(
      [
        { ...main, target: { ...main.target, retry } as typeof main.target },
        memberMapping({ predictor: "canary", share: 0 }),
        { ...memberMapping({ predictor: "dark", share: 0 }), role: { kind: "shadow", percent: 100 } },
      ],
      ["main", "canary", "dark"].map((name) => upstreamOf(`iris-${name}`)),
      [
        endpointsOn("iris-main", [failing.port, origins.get("main")!.port]),
        endpointsOn("iris-canary", [origins.get("canary")!.port]),
        endpointsOn("iris-dark", [shadow.port]),
      ],
    );
    while (failing.text === "") {
      const answer = await gateway.during(gateway.ask(secure, post("{}")));
      expect(answer.status).toBe(200);
    }
    const [tried] = requestsIn(failing.text);
    const puid = puidIn(tried!)!;
    expect(signerOf("main").whose(puid)).toBe("model");
    expect(requestsIn(origins.get("main")!.text).map(puidIn)).toContain(puid);
    await gateway.goOnUntil(() => requestsIn(shadow.text).map(puidIn).includes(puid), "the copy has the same puid");
    await failing.close();
    await shadow.close();
  });
});
