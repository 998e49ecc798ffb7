// SendFeedback on the wire: as over REST it goes to the predictor that answered, by metadata or message, and also to one that answered over REST.
import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { beforeEach, expect, test } from "vitest";
import { PuidSigner, puidStart } from "../../gateway/edge/feedback/puid.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { messageField, textField, varint } from "../../routing/text/protobuf.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { is, named, prefix } from "../routing/build.ts";
import { endpointsOn, firstSlot, Gateway } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { memberMapping } from "./predictors.ts";

const keys = [new Uint8Array(32).fill(9)];
const names = ["main", "canary"];
const iris = { seldon: "iris", namespace: "prod" };

function puidOf(predictor: string): string {
  const signer = new PuidSigner(keys, { namespace: "prod", deployment: "iris", predictor, model: "" });
  return signer.lineFor(Buffer.from(randomUUID())).toString("latin1", puidStart).trimEnd();
}

/** A Feedback about this answer. */
function feedback(puid: string, reward: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(reward);
  const answer = messageField(2, [textField(1, puid)]);
  return Buffer.from(Buffer.concat([messageField(2, [answer]), varint(3 * 8 + 5), bytes]));
}

function mappingFor(predictor: string): Mapping {
  const mapping = memberMapping({ predictor, share: 0.5 });
  return {
    ...mapping,
    id: `SeldonDeployment prod/iris grpc ${predictor}`,
    match: {
      ...mapping.match,
      path: prefix("/"),
      headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
    },
    series: { ...mapping.series, protocol: "grpc" },
    target: { ...mapping.target, rewrite: { kind: "none" } } as Mapping["target"],
  };
}

let gateway: Gateway;
let client: GrpcClient;
let origins: readonly GrpcOrigin[];

beforeEach(async () => {
  gateway = await new Gateway({ puidKeys: keys, time: "real" }).listen();
  origins = await Promise.all(names.map((name) => new GrpcOrigin(name).listen()));
  gateway.serve(
    names.map(mappingFor),
    names.map((name) => ({ ...upstreamOf(`iris-${name}`), protocol: "http2" as const })),
    names.map((name, at) => endpointsOn(`iris-${name}`, [origins[at]!.port])),
  );
  client = new GrpcClient(gateway.port);
  return () => {
    client.close();
    gateway.close();
    for (const origin of origins) origin.close();
  };
});

test("all of it goes to the model that answered, by metadata and by the message, and its rewards are counted", async () => {
  const takers: string[] = [];
  const answerers: string[] = [];
  for (let at = 0; at < 20; at++) {
    const { head } = await client.unary(paths.predict, metadataOf(iris));
    const puid = String(head!.get("seldon-puid")[0]);
    answerers.push(String(head!.get("server")[0]));
    const reply =
      at % 2 === 0
        ? await client.unary(paths.sendFeedback, metadataOf({ ...iris, "seldon-puid": puid }), feedback("", 0.5))
        : await client.unary(paths.modelFeedback, metadataOf(iris), feedback(puid, 0.5));
    expect(reply.status.code).toBe(status.OK);
    takers.push(String(reply.head!.get("server")[0]));
  }
  expect(takers).toEqual(answerers);
  expect(new Set(takers)).toEqual(new Set(names));
  for (const [at, name] of names.entries()) {
    const count = takers.filter((one) => one === name).length;
    expect(gateway.feedback(firstSlot + at)).toEqual({
      ways: { puid: count },
      rewards: count,
      sum: count / 2,
      squares: count / 4,
    });
  }
});

test("a message in many pieces, larger than what is held, in a stream of HTTP/2", async () => {
  const puid = puidOf("canary");
  const truth = messageField(4, [messageField(6, [Buffer.alloc(3_000_000, 1)])]);
  const large = Buffer.from(Buffer.concat([feedback(puid, 1), truth]));
  for (let at = 0; at < 4; at++) {
    const { messages, head } = await client.unary(paths.sendFeedback, metadataOf(iris), large);
    expect(messages[0]!.equals(large)).toBe(true);
    expect(head!.get("server")).toEqual(["canary"]);
  }
  expect(gateway.feedback(firstSlot + 1)).toMatchObject({ ways: { puid: 4 }, rewards: 4 });
});

test("a call that the model fails is not counted, and neither is Predict", async () => {
  const fails = metadataOf({ ...iris, ask: "error", "seldon-puid": puidOf("main") });
  expect((await client.unary(paths.sendFeedback, fails, feedback("", 1))).status.code).toBe(status.FAILED_PRECONDITION);
  await client.unary(paths.predict, metadataOf(iris), feedback(puidOf("main"), 1));
  expect([0, 1].map((at) => gateway.feedback(firstSlot + at).ways)).toEqual([{}, {}]);
});
