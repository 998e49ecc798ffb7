// Feedback on the wire, REST: it goes to the predictor that answered, whatever the draw says, and is counted for it.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { PuidSigner, puidStart } from "../../gateway/edge/feedback/puid.ts";
import { plainGuard, type Guard } from "../../routing/model/guard.ts";
import { noPolicy } from "../../gateway/callers/call-policy.ts";
import { guardOf, keysProvider } from "../policies.ts";
import { fieldOf } from "./client.ts";
import { firstSlot, Gateway, post, transports } from "./gateway.ts";
import { answerEach, Origin, requestsIn } from "./origin.ts";
import { executors, puidIn, serveMembers, type Member } from "./predictors.ts";

const keys = [new Uint8Array(32).fill(9)];
const path = "/seldon/prod/iris/api/v1.0/feedback";

/** One that was never given to anybody, and that names the predictor. */
function puidOf(predictor: string, deployment = "iris", key = keys): string {
  const signer = new PuidSigner(key, { namespace: "prod", deployment, predictor, model: "" });
  return signer.lineFor(Buffer.from(randomUUID())).toString("latin1", puidStart).trimEnd();
}

const inBody = (puid: string, reward: unknown = 1): string =>
  JSON.stringify({ request: { data: { ndarray: [[1, 2]] } }, response: { meta: { puid } }, reward });

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origins: ReadonlyMap<string, Origin>;
  const serve = (...members: readonly Member[]): void =>
    serveMembers(gateway, members, ({ predictor }) => origins.get(predictor)!.port);
  const send = (body: string, fields = "", to = path) => gateway.ask(secure, post(body, fields, to));
  const sendHead = (puid: string) => send('{"reward":1}', `Seldon-Puid: ${puid}\r\n`);

  beforeEach(async () => {
    gateway = await new Gateway({ puidKeys: keys, limits: { feedbackBodyBytes: 2000 } }).listen();
    origins = await executors(["main", "canary"]);
    serve({ predictor: "main", share: 0.5 }, { predictor: "canary", share: 0.5 });
    return async () => {
      gateway.close();
      for (const origin of origins.values()) await origin.close();
    };
  });

  test("all of it goes to the model that answered: by the head, and by meta.puid of the response or the request", async () => {
    const takers: string[] = [];
    const answerers: string[] = [];
    for (let at = 0; at < 30; at++) {
      const prediction = await gateway.ask(secure, post("{}"));
      const model = fieldOf(prediction, "x-model")!;
      const { meta } = JSON.parse(prediction.body) as { meta: { puid: string } };
      const answer = await (at % 3 === 0
        ? sendHead(fieldOf(prediction, "seldon-puid")!)
        : at % 3 === 1
          ? send(JSON.stringify({ response: JSON.parse(prediction.body), reward: 1 }))
          : send(JSON.stringify({ reward: 1, request: { meta } })));
      expect(answer.status).toBe(200);
      answerers.push(model);
      takers.push(fieldOf(answer, "x-model")!);
    }
    expect(takers).toEqual(answerers);
    expect(new Set(takers).size).toBe(2);
    const canaries = answerers.filter((name) => name === "canary").length;
    expect(gateway.feedback(firstSlot)).toEqual({
      ways: { puid: 30 - canaries },
      rewards: 30 - canaries,
      sum: 30 - canaries,
      squares: 30 - canaries,
    });
    expect(gateway.feedback(firstSlot + 1)).toMatchObject({ ways: { puid: canaries }, rewards: canaries });
    // What it says is untouched.
    const bodies = [...origins.values()]
      .flatMap(({ text }) => requestsIn(text))
      .filter((one) => one.includes("/feedback"));
    expect(bodies.every((one) => one.startsWith("POST /api/v1.0/feedback"))).toBe(true);
    expect(gateway.answered("200", firstSlot) + gateway.answered("200", firstSlot + 1)).toBe(60);
  });

  test("what is said of a model is not learnt of its successor, and goes to its predictor", async () => {
    serve({ predictor: "main", share: 0.5, model: "1" }, { predictor: "canary", share: 0.5, model: "1" });
    const { head } = await gateway.ask(secure, post("{}"));
    const [puid, model] = [/seldon-puid: (\w+)/i.exec(head)![1]!, /x-model: (\w+)/.exec(head)![1]!];
    const slot = model === "main" ? firstSlot : firstSlot + 1;
    serve({ predictor: "main", share: 0.5, model: "2" }, { predictor: "canary", share: 0.5, model: "2" });
    for (const answer of [await sendHead(puid), await send(inBody(puid))])
      expect(fieldOf(answer, "x-model")).toBe(model);
    expect(gateway.feedback(slot).ways).toEqual({ earlier_model: 2 });
    expect(gateway.learnt(slot)).toEqual([0, 0]);
    serve({ predictor: "main", share: 0.5, model: "1" }, { predictor: "canary", share: 0.5, model: "1" });
    await sendHead(puid);
    expect(gateway.learnt(slot)).toEqual([1, 1]);
  });

  test.each([
    ["Seldon's", ""],
    ["the Route's only model, which is told none, so there is none", "sole"],
  ])("a model that says no puid gives its clients one all the same: %s", async (_, sole) => {
    const body = '{"data":{"ndarray":[[1]]}}';
    for (const [name, origin] of origins)
      origin.behaviour = answerEach(
        () => `HTTP/1.1 200 OK\r\nx-model: ${name}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    if (sole !== "") serve({ predictor: "main", share: 1 });
    const prediction = await gateway.ask(secure, post("{}"));
    const puids = [...prediction.head.matchAll(/seldon-puid: (.*)\r\n/gi)].map(([, puid]) => puid!);
    expect(puids).toHaveLength(sole === "" ? 1 : 0);
    const told = puidIn(origins.get(fieldOf(prediction, "x-model")!)!.text);
    expect(told).toBe(puids[0] ?? null);
    if (sole !== "") return;
    const answer = await sendHead(puids[0]!);
    // What it says of feedback is about another answer.
    expect([fieldOf(answer, "x-model"), fieldOf(answer, "seldon-puid")]).toEqual([
      fieldOf(prediction, "x-model"),
      null,
    ]);
    const slot = fieldOf(answer, "x-model") === "main" ? firstSlot : firstSlot + 1;
    expect(gateway.learnt(slot)).toEqual([1, 1]);
  });

  test("a puid with an underscore is none, and the model never sees it", async () => {
    const forged = puidOf("canary");
    await gateway.ask(secure, post("{}", `seldon_puid: ${forged}\r\nSeldon_Puid: ${forged}\r\n`));
    await send('{"reward":1}', `seldon_puid: ${forged}\r\n`);
    expect([...origins.values()].some(({ text }) => text.includes(forged))).toBe(false);
    const ways = [firstSlot, firstSlot + 1].map((slot) => gateway.feedback(slot).ways);
    expect(Object.assign({}, ...ways)).toEqual({ no_puid: 1 });
  });

  test("the older path, too; other paths and methods are no feedback", async () => {
    for (let at = 0; at < 8; at++)
      expect(fieldOf(await send(inBody(puidOf("canary")), "", "/seldon/prod/iris/api/v0.1/feedback"), "x-model")).toBe(
        "canary",
      );
    const models = new Set<string>();
    for (let at = 0; at < 30; at++)
      models.add(fieldOf(await send(inBody(puidOf("canary")), "", `/seldon/prod/iris/feedback`), "x-model")!);
    expect(models.size).toBe(2);
    expect(gateway.feedback(firstSlot + 1).ways).toEqual({ puid: 8 });
  });

  test("the puid that names a predictor counts, wherever another one stands", async () => {
    const body = JSON.stringify({
      request: { meta: { puid: puidOf("canary") } },
      response: { meta: { puid: "engine's" } },
      reward: 0,
    });
    for (let at = 0; at < 6; at++) expect(fieldOf(await send(body, "Seldon-Puid: mine\r\n"), "x-model")).toBe("canary");
    expect(gateway.feedback(firstSlot + 1).ways).toEqual({ puid: 6 });
  });

  test.each(["main", "canary"])("the answer's puid counts before the request's: %s", async (answered) => {
    const other = answered === "main" ? "canary" : "main";
    const puid = puidOf(answered);
    const body = JSON.stringify({
      request: { meta: { puid: puidOf(other) } },
      response: { meta: { puid } },
      reward: 1,
    });
    for (let at = 0; at < 4; at++) expect(fieldOf(await send(body), "x-model")).toBe(answered);
    expect(gateway.feedback(firstSlot + (answered === "main" ? 0 : 1)).ways).toEqual({ puid: 4 });
  });

  test.each([
    ["none", "no_puid", '{"reward":1}', ""],
    ["an empty one", "no_puid", '{"reward":1}', "Seldon-Puid:\r\n"],
    ["a client's own", "unknown_puid", '{"reward":1}', "Seldon-Puid: mine\r\n"],
    ["a renamed predictor's", "unknown_puid", inBody(puidOf("main-1")), ""],
    ["another deployment's", "unknown_puid", inBody(puidOf("main", "iris-2")), ""],
    ["that of another key", "unknown_puid", inBody(puidOf("main", "iris", [new Uint8Array(32)])), ""],
    ["one in a compressed body", "no_puid", inBody(puidOf("main")), "Content-Encoding: gzip\r\n"],
  ])("by the split: %s", async (_what, way, body, fields) => {
    const takers: string[] = [];
    for (let at = 0; at < 30; at++) takers.push(fieldOf(await send(body, fields), "x-model")!);
    expect(new Set(takers).size).toBe(2);
    const canaries = takers.filter((one) => one === "canary").length;
    expect(gateway.feedback(firstSlot).ways).toEqual({ [way]: 30 - canaries });
    expect(gateway.feedback(firstSlot + 1).ways).toEqual({ [way]: canaries });
  });

  test("a body is read that its client says is not encoded", async () => {
    for (const coding of ["identity", "Identity"])
      for (let at = 0; at < 3; at++)
        expect(fieldOf(await send(inBody(puidOf("canary")), `Content-Encoding: ${coding}\r\n`), "x-model")).toBe(
          "canary",
        );
    expect(gateway.feedback(firstSlot + 1)).toMatchObject({ ways: { puid: 6 }, sum: 6 });
  });

  test.each([1999, 2000])("a puid in the first --feedback-body-bytes is found, %i of 2000", async (bytes) => {
    const body = inBody(puidOf("canary"));
    for (let at = 0; at < 6; at++)
      expect(fieldOf(await send(" ".repeat(bytes - body.length) + body), "x-model")).toBe("canary");
    // It ends in them, and what is behind does not matter.
    const cut = body.indexOf('"}');
    for (let at = 0; at < 6; at++)
      expect(fieldOf(await send(" ".repeat(bytes - cut - 1) + body + " ".repeat(5000)), "x-model")).toBe("canary");
    expect(gateway.feedback(firstSlot + 1)).toEqual({ ways: { puid: 12 }, rewards: 12, sum: 12, squares: 12 });
  });

  test("behind them it is not, but its reward is: of how long a body whatever", async () => {
    const body = inBody(puidOf("canary"), 2);
    const cut = body.indexOf('"}');
    const takers: string[] = [];
    for (let at = 0; at < 30; at++) takers.push(fieldOf(await send(" ".repeat(2000 - cut) + body), "x-model")!);
    expect(new Set(takers).size).toBe(2);
    const [main, canary] = [gateway.feedback(firstSlot), gateway.feedback(firstSlot + 1)];
    expect(main.ways).toHaveProperty("too_long");
    expect([main.sum + canary.sum, main.squares + canary.squares]).toEqual([60, 120]);
  });

  test("a sole predictor's feedback is counted, whatever its puid", async () => {
    serve({ predictor: "main", share: 1 });
    await send(inBody("anything", 0.5));
    await sendHead(puidOf("canary"));
    expect(gateway.feedback(firstSlot)).toEqual({ ways: { sole: 2 }, rewards: 2, sum: 1.5, squares: 1.25 });
  });

  test("a predictor of weight 0 gets its feedback, one without Endpoints or that admits nobody does not", async () => {
    serve({ predictor: "main", share: 1 }, { predictor: "canary", share: 0 });
    for (let at = 0; at < 4; at++) expect(fieldOf(await send(inBody(puidOf("canary"))), "x-model")).toBe("canary");
    serve({ predictor: "main", share: 0.5 }, { predictor: "canary", share: 0.5, ready: false });
    expect(fieldOf(await send(inBody(puidOf("canary"))), "x-model")).toBe("main");
    expect(gateway.feedback(firstSlot).ways).toEqual({ unready: 1 });
    expect(gateway.feedback(firstSlot + 1).ways).toEqual({ puid: 4 });
    const guard = { ...plainGuard, auth: { kind: "providers" as const, names: ["gone"] } };
    serve(
      { predictor: "main", share: 1, weight: 50 },
      { predictor: "canary", share: 1, deployment: "iris-2", weight: 50, guard },
    );
    expect(fieldOf(await send(inBody(puidOf("canary", "iris-2"))), "x-model")).toBe("main");
  });

  test("steps are those of the member that gets it: of another deployment who calls, and its limits, are asked anew", async () => {
    const mainKey = "correct-horse-battery";
    const policy = {
      ...noPolicy,
      providers: {
        mains: keysProvider({ [mainKey]: "a" }),
        canaries: keysProvider({ [mainKey]: "b" }),
        others: keysProvider({}),
      },
    };
    gateway.close();
    gateway = await new Gateway({ puidKeys: keys, policy }).listen();
    const both = (canaryGuard: Guard): void =>
      serve(
        { predictor: "main", share: 1, weight: 100, guard: guardOf("mains") },
        { predictor: "canary", share: 1, weight: 0, deployment: "iris-2", guard: canaryGuard },
      );
    const ask = (puid: string) => send(inBody(puid), `x-api-key: ${mainKey}\r\n`);
    both(guardOf("canaries"));
    expect(fieldOf(await ask(puidOf("main")), "x-model")).toBe("main");
    expect(fieldOf(await ask(puidOf("canary", "iris-2")), "x-model")).toBe("canary");
    // A caller without credentials is not read further, whatever the puid.
    expect((await send(inBody(puidOf("canary", "iris-2")))).status).toBe(401);
    both({ ...guardOf("canaries"), deny: ["127.0.0.1/32"] });
    expect((await ask(puidOf("canary", "iris-2"))).status).toBe(403);
    both({
      ...guardOf("canaries"),
      limits: [{ permits: 1, periodMs: 60_000, burst: 1, per: { kind: "all" } }],
    });
    expect([(await ask(puidOf("canary", "iris-2"))).status, (await ask(puidOf("canary", "iris-2"))).status]).toEqual([
      200, 429,
    ]);
    expect((await ask(puidOf("main"))).status).toBe(200);
    // The model is not told the key.
    expect([...origins.values()].some(({ text }) => text.includes(mainKey))).toBe(false);
  });

  test("bandits and gates learn from each puid once, and from no feedback whose predictor is a guess", async () => {
    const puid = puidOf("canary");
    for (let at = 0; at < 3; at++) await send(inBody(puid, 2));
    await send('{"reward":2}', `Seldon-Puid: ${puid}\r\n`);
    // A reward of nothing uses no puid up.
    const later = puidOf("canary");
    await send(inBody(later, "none"));
    await send(inBody(later, 3));
    for (const body of [
      '{"reward":1}',
      inBody("mine"),
      inBody(puidOf("canary", "iris", [new Uint8Array(32)])),
      inBody(puidOf("canary", "iris-2")),
    ])
      await send(body);
    expect(gateway.learnt(firstSlot)).toEqual([0, 0]);
    expect(gateway.learnt(firstSlot + 1)).toEqual([2, 5]);
    expect(gateway.feedback(firstSlot + 1)).toMatchObject({ ways: { puid: 6 } });
    expect(gateway.feedback(firstSlot).rewards + gateway.feedback(firstSlot + 1).rewards).toBe(9);
  });

  test("what the model did not take uses no puid up", async () => {
    let fails = true;
    const origin = await new Origin((connection) => {
      if (requestsIn(connection.text).length <= connection.answered++) return;
      connection.socket.write(`HTTP/1.1 ${fails ? "500 Oops" : "200 OK"}\r\ncontent-length: 0\r\n\r\n`);
    }).listen();
    serveMembers(
      gateway,
      [
        { predictor: "main", share: 0.5 },
        { predictor: "canary", share: 0.5 },
      ],
      () => origin.port,
    );
    const body = inBody(puidOf("main"));
    expect((await send(body)).status).toBe(500);
    fails = false;
    expect((await send(body)).status).toBe(200);
    expect(gateway.learnt(firstSlot)).toEqual([1, 1]);
    await origin.close();
  });

  test("keys that rotate: feedback of the older key finds its predictor while that key is listed, and teaches nothing later", async () => {
    const [older, newer] = [new Uint8Array(32).fill(9), new Uint8Array(32).fill(8)];
    const old = [puidOf("canary", "iris", [older]), puidOf("canary", "iris", [older])];
    for (const [held, learnt] of [
      [
        [newer, older],
        [1, 1],
      ],
      [[newer], [0, 0]],
    ] as const) {
      gateway.close();
      gateway = await new Gateway({ puidKeys: held }).listen();
      serve({ predictor: "main", share: 0.5 }, { predictor: "canary", share: 0.5 });
      await send(inBody(old.pop()!));
      expect([gateway.learnt(firstSlot), gateway.learnt(firstSlot + 1)]).toEqual([[0, 0], learnt]);
    }
  });

  test("only what a model took is counted: not its errors, and not what never reached it", async () => {
    const failing = await new Origin((connection) => {
      if (requestsIn(connection.text).length > connection.answered++)
        connection.socket.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    }).listen();
    serveMembers(gateway, [{ predictor: "main", share: 1 }], () => failing.port);
    expect((await send('{"reward":1}')).status).toBe(400);
    await failing.close();
    expect((await send('{"reward":1}')).status).toBe(503);
    expect(gateway.feedback(firstSlot).ways).toEqual({});
  });

  test.each([
    ['{"reward":0}', 0],
    ['{"reward":-2.5e-1}', -0.25],
    ['{"\\u0072eward":1}', 1],
    ['{"reward":1,"reward":0.5}', 0.5],
    ['{"reward":1000000000}', 1e9],
    ['{"reward":1000000000.5}', null],
    ['{"reward":1e400}', null],
    ['{"reward":NaN}', null],
    ['{"reward":Infinity}', null],
    ['{"reward":"1"}', null],
    ['{"reward":true}', null],
    ['{"reward":[1]}', null],
    ['{"reward":{"reward":1}}', null],
    ['{"truth":{"reward":1}}', null],
    ['[{"reward":1}]', null],
    ['{"reward":01}', null],
    ['{"reward":1', null],
    ['{"reward":1}}', null],
    ["reward=1", null],
    ["{}", null],
  ])("%s has the reward %j", async (body, reward) => {
    serve({ predictor: "main", share: 1 });
    expect((await send(body)).status).toBe(200);
    expect(gateway.feedback(firstSlot)).toEqual({
      ways: { sole: 1 },
      rewards: reward === null ? 0 : 1,
      sum: reward ?? 0,
      squares: (reward ?? 0) ** 2,
    });
  });

  test.each([
    ['{"truth":{"clicks":[0,3]}}', 3],
    ['{"reward":1,"truth":{"clicks":[0,-0.5]}}', -0.5],
    ['{"truth":{"clicks":[0,true]}}', 1],
    ['{"truth":{"clicks":[1,false]}}', 0],
    ['{"truth":{"clicks":[1]}}', null],
    ['{"truth":{"clicks":[1,"1"]}}', null],
    ['{"truth":{"clicks":[1,1e308]}}', null],
    ['{"reward":1}', null],
  ])("where the reward is at $.truth.clicks[1], %s has %j", async (body, reward) => {
    serve({ predictor: "main", share: 1, rewardPath: ["truth", "clicks", 1] });
    expect((await send(body)).status).toBe(200);
    expect(gateway.feedback(firstSlot)).toEqual({
      ways: { sole: 1 },
      rewards: reward === null ? 0 : 1,
      sum: reward ?? 0,
      squares: (reward ?? 0) ** 2,
    });
  });

  test("the path is that of the predictor that gets the feedback, whoever was drawn for it", async () => {
    serve(
      { predictor: "main", share: 1, weight: 100 },
      { predictor: "canary", share: 1, weight: 0, deployment: "iris-2", rewardPath: ["clicked"] },
    );
    for (const named of [inBody(puidOf("canary", "iris-2"), 1), inBody(puidOf("main"), 1)]) {
      const body = JSON.stringify({ ...(JSON.parse(named) as object), clicked: 7 });
      await send(body);
      await send(body, `Seldon-Puid: ${puidOf("canary", "iris-2")}\r\n`);
    }
    // Of the second body the response names main, but the head goes first.
    expect(gateway.feedback(firstSlot)).toMatchObject({ ways: { puid: 1 }, sum: 1 });
    expect(gateway.feedback(firstSlot + 1)).toMatchObject({ ways: { puid: 3 }, sum: 21 });
  });

  test("it may come byte by byte, in chunks", async () => {
    const client = await gateway.open(secure);
    const body = inBody(puidOf("canary"), 0.25);
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (const byte of body) {
      client.write(`1\r\n${byte}\r\n`);
      await new Promise(setImmediate);
    }
    client.write("0\r\n\r\n");
    const [answer] = await client.answers(1);
    expect(fieldOf(answer!, "x-model")).toBe("canary");
    client.destroy();
    expect(gateway.feedback(firstSlot + 1)).toEqual({ ways: { puid: 1 }, rewards: 1, sum: 0.25, squares: 0.0625 });
  });

  test("a client that waits for 100 is told to go on, and its feedback is read then", async () => {
    const client = await gateway.open(secure);
    const body = inBody(puidOf("canary"));
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
    await client.until(({ text }) => text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"), "100 Continue");
    client.write(body);
    await client.until(({ text }) => text.includes("x-model: "), "the answer");
    expect(client.text).toContain("x-model: canary\r\n");
    client.destroy();
  });

  test.each([
    ["--feedback-body-bytes 0", { feedbackBodyBytes: 0 }],
    ["less room for held requests than one feedback may need", { feedbackBodyBytes: 2000, retryTotalBytes: 1999 }],
  ])("%s: a body is not held, and goes by the split; the head still names the predictor", async (_what, limits) => {
    gateway.close();
    gateway = await new Gateway({ puidKeys: keys, limits }).listen();
    serve({ predictor: "main", share: 1 }, { predictor: "canary", share: 0 });
    expect(fieldOf(await send(inBody(puidOf("canary"), 0.5)), "x-model")).toBe("main");
    expect(fieldOf(await sendHead(puidOf("canary")), "x-model")).toBe("canary");
    expect(gateway.feedback(firstSlot)).toEqual({ ways: { too_long: 1 }, rewards: 1, sum: 0.5, squares: 0.25 });
  });
});
