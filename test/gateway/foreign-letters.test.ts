// A tenant that writes whatever letters it likes, in a real process from a folder, which no API server has looked through: texts of one digest, letters beyond ASCII
// whose low bytes are CR and LF, names that Kubernetes cannot have. Its neighbours are served as before, and nothing of it splits a message.
import { Agent } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgedTexts } from "../routing/forged-texts.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { LoadClient, post } from "./load-client.ts";
import { until } from "./until.ts";

/** U+010D and U+010A: who writes one byte a letter writes a line end. */
const lineEnd = "\u010d\u010a";

let stage: GatewayStage;
/** What the model was asked: paths, and fields as they came, a byte a letter. */
const asked: (readonly [path: string, fields: readonly string[]])[] = [];

beforeEach(async () => {
  asked.length = 0;
  stage = await GatewayStage.open();
  stage.model.answer = (request, response) => {
    asked.push([request.url!, request.rawHeaders]);
    response.end("{}");
  };
});
afterEach(() => stage.close());

function mapping(name: string, spec: object, namespace = "evil"): string {
  return JSON.stringify({
    apiVersion: "getambassador.io/v2",
    kind: "Mapping",
    metadata: { name, namespace },
    spec: { service: "evil-default:8000", ...spec },
  });
}

/** The answer to a request of these bytes, a byte a letter. */
async function raw(traffic: string, path: string, fields: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  const socket = connect(Number(new URL(traffic).port), "127.0.0.1", () =>
    socket.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`, "utf8")),
  );
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("close", () => resolve(text));
  return promise;
}

const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");

test(
  "splits no message, takes no neighbour’s request, and is told what is not served",
  { timeout: 60_000 },
  async () => {
    await stage.manifests.deploy("iris", stage.model.port);
    // Its Service and EndpointSlice: evil-default.
    await stage.manifests.deploy("evil", stage.model.port, "evil");
    const gateway = stage.serve(2);
    const { traffic, admin } = await gateway.listening();
    const iris = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
    const agent = new Agent();
    await until(async () => (await post(iris, agent)).status === 200, "the canary is served");
    const canary = new LoadClient(1, () => iris);
    const [one, other] = forgedTexts;
    await stage.manifests.write(
      "evil.yaml",
      [
        ...forgedTexts.map((text, index) =>
          mapping(`prefix-${index}`, {
            prefix: `/seldon/evil/${text}/`,
            add_request_headers: { "x-which": `prefix ${index}` },
          }),
        ),
        ...forgedTexts.map((text, index) =>
          mapping(`header-${index}`, {
            prefix: "/seldon/evil/by/",
            headers: { "x-text": text },
            add_request_headers: { "x-which": `header ${index}` },
          }),
        ),
        mapping("edits", {
          prefix: "/seldon/evil/edits/",
          rewrite: `/a${lineEnd}b/`,
          add_request_headers: { "x-which": `edits${lineEnd}x-more: 1` },
          add_response_headers: { "x-said": `a${lineEnd}x-more: 1`, "x-heart": "♥" },
        }),
        mapping("redirect", {
          prefix: "/seldon/evil/redirect/",
          host_redirect: true,
          service: "a.example",
          path_redirect: `/a${lineEnd}b`,
        }),
        mapping("city", {
          prefix: "/seldon/evil/city/",
          headers: { "x-city": "北京" },
          add_request_headers: { "x-which": "city" },
        }),
        mapping("letters", { prefix: "/seldon/evil/模型/", add_request_headers: { "x-which": "letters" } }),
        mapping("host", { prefix: "/seldon/evil/host/", host: "münchen.example" }),
        ...["😀", "ｐｒｏｄ", "prod\u200b", "PROD"].map((namespace) =>
          mapping("iris", { prefix: "/seldon/prod/iris/" }, namespace),
        ),
        mapping("😀", { prefix: "/seldon/evil/smile/" }),
      ].join("\n---\n"),
    );
    await until(
      async () => (await raw(traffic, "/seldon/evil/city/x", "X-City: 北京\r\n")).startsWith("HTTP/1.1 200 "),
      "its Mappings are served",
    );

    const whichOf = async (path: string, fields: string): Promise<string | undefined> => {
      const from = asked.length;
      await raw(traffic, path, fields);
      // The canary asks beside it.
      return asked
        .slice(from)
        .flatMap(([, seen]) => seen.flatMap((text, index) => (seen[index - 1] === "x-which" ? [text] : [])))[0];
    };
    expect([
      await whichOf(`/seldon/evil/${one}/x`, ""),
      await whichOf(`/seldon/evil/${other}/x`, ""),
      await whichOf("/seldon/evil/by/x", `X-Text: ${one}\r\n`),
      await whichOf("/seldon/evil/by/x", `X-Text: ${other}\r\n`),
    ]).toEqual(["prefix 0", "prefix 1", "header 0", "header 1"]);
    expect([
      await whichOf("/seldon/evil/city/x", "X-City: 北京\r\n"),
      await whichOf("/seldon/evil/模型/x", ""),
      await whichOf("/seldon/evil/%E6%A8%A1%E5%9E%8B/x", ""),
      await whichOf("/seldon/evil/smile/x", ""),
      await whichOf("/seldon/evil/host/x", ""),
    ]).toEqual(["city", "letters", undefined, undefined, undefined]);

    // Each letter is as many bytes as it has in UTF-8, or escaped where bytes beyond ASCII may not be.
    const from = asked.length;
    const edited = await raw(traffic, "/seldon/evil/edits/x", "");
    expect(edited).toContain(`\r\nx-said: ${bytesOf(`a${lineEnd}x-more: 1`)}\r\nx-heart: ${bytesOf("♥")}\r\n`);
    const [path, fields] = asked.slice(from).find(([, seen]) => seen.includes("x-which"))!;
    expect([path, fields[fields.indexOf("x-which") + 1], fields.includes("x-more")]).toEqual([
      "/a%C4%8D%C4%8Ab/x",
      bytesOf(`edits${lineEnd}x-more: 1`),
      false,
    ]);
    expect(await raw(traffic, "/seldon/evil/redirect/x", "")).toMatch(
      /\r\nlocation: http:\/\/a\.example\/a%C4%8D%C4%8Ab\r\n/,
    );

    const { items: problems } = (await (await fetch(`${admin}/api/v1/problems`)).json()) as {
      readonly items: readonly { readonly code: string }[];
    };
    const count = (code: string): number => problems.filter((problem) => problem.code === code).length;
    expect([count("bad-name"), count("bad-value"), count("unescaped-prefix")]).toEqual([5, 1, 1]);
    await canary.more(50);
    await canary.stop();
    expect(canary.failures).toEqual([]);
    // Nobody else's requests reached its Mappings.
    expect(
      asked.filter(([url]) => url.startsWith("/api/")).flatMap(([, seen]) => seen.filter((text) => text === "x-which")),
    ).toEqual([]);
    expect([gateway.records.filter(({ event }) => event === "worker-ended"), gateway.errors]).toEqual([[], ""]);
  },
);
