// What the demo asks of the gateway, one after the other, and what a right gateway answers.
import { join } from "node:path";
import { annotatedFile, annotatedTraffic, demoKey, manifests, replaceFile } from "./manifests.ts";
import { predictOnce, tallyGrpc } from "./grpc-predictions.ts";
import { modelName } from "./classifier.ts";
import {
  deploymentPath,
  get,
  ndarrayPayload,
  post,
  tally,
  tensorPayload,
  tolerance,
  type Tally,
} from "./predictions.ts";
import { comparedShadow, stickyCanary } from "./release-checks.ts";
import { eventually, words, type Check, type Finding, type Stage } from "./stage.ts";

const splitRequests = 400;
const fewRequests = 20;
/** Enough that the old share, one in two, does not look like the new one: 2^-40. */
const probeRequests = 40;
/** In the order in which the demo prints them. */
export const checks: readonly Check[] = [
  async ({ base }) => {
    const asked = "one deployment: predictions v1.0 (ndarray) and v0.1 (tensor)";
    const ndarray = await post(base, deploymentPath("iris", "api/v1.0/predictions"), ndarrayPayload, {
      "seldon-puid": "demo-1",
    });
    const tensor = await post(base, deploymentPath("iris", "api/v0.1/predictions"), tensorPayload);
    const expected =
      ndarray.version === "1" &&
      tensor.version === "1" &&
      tensor.text.includes('"tensor":') &&
      ndarray.headers.get("seldon-puid") === "demo-1";
    return { asked, answered: `${ndarray.status} ${ndarray.text.trim()}`, expected };
  },
  async ({ base }) => {
    const { code, sentence, version } = await predictOnce(base, "iris", "seldon");
    const v2 = await predictOnce(base, "iris", "v2");
    const unknown = await predictOnce(base, "nobody", "seldon");
    return {
      asked:
        "the same over gRPC, with metadata seldon and namespace: Seldon's protocol, KServe's V2; a deployment that is not there",
      answered: `grpc-status ${code}${sentence === "" ? "" : ` ${sentence}`} from version ${version ?? "?"}; ${v2.code} from version ${v2.version ?? "?"}; ${unknown.code}`,
      expected: code === 0 && version === "1" && v2.code === 0 && v2.version === "1" && unknown.code === 12,
    };
  },
  async ({ base }) => {
    const feedback = await post(
      base,
      deploymentPath("iris", "api/v1.0/feedback"),
      JSON.stringify({ request: JSON.parse(ndarrayPayload), reward: 1 }),
    );
    const metadata = await get(base, deploymentPath("iris", `api/v1.0/metadata/${modelName}`));
    const health = await get(base, deploymentPath("iris", "api/v1.0/health/status"));
    const statuses = [feedback.status, metadata.status, health.status];
    return {
      asked: "feedback, metadata, health",
      answered: statuses.join(", "),
      expected: statuses.every((status) => status === 200) && metadata.text.includes('"iris:1"'),
    };
  },
  async ({ base }) => {
    const bad = await post(base, deploymentPath("iris", "api/v1.0/predictions"), '{"data":{"ndarray":[["tall"]]}}');
    return {
      asked: "the model's own error passes",
      answered: `${bad.status} ${bad.text.trim()}`,
      expected: bad.status === 400 && bad.text.includes("FAILURE"),
    };
  },
  async ({ base }) => {
    const unknown = await post(base, deploymentPath("nobody", "api/v1.0/predictions"), ndarrayPayload);
    return {
      asked: "a deployment that is not there",
      answered: String(unknown.status),
      expected: unknown.status === 404,
    };
  },
  split("canary by traffic 75/25", "iris-canary", 0.25),
  splitGrpc("the same canary over gRPC", "iris-canary", 0.25),
  split("canary by annotation sluice.io/traffic 50/50", "iris-annotated", 0.5),
  split("canary by a second deployment of weight 25", "example", 0.25),
  async ({ base }) => {
    const plain = await tally(base, deploymentPath("iris-header", "api/v1.0/predictions"), fewRequests);
    const london = await tally(base, deploymentPath("iris-header", "api/v1.0/predictions"), fewRequests, {
      location: "london",
    });
    const expected = plain.first === fewRequests && london.second === fewRequests;
    return {
      asked: "header route: without, and with `location: london`",
      answered: `without: ${words(plain)}; with: ${words(london)}`,
      expected,
    };
  },
  async ({ base }) => {
    const plain = await tallyGrpc(base, "iris-header", fewRequests);
    const london = await tallyGrpc(base, "iris-header", fewRequests, { location: "london" });
    const expected = plain.first === fewRequests && london.second === fewRequests;
    return {
      asked: "the same header route over gRPC, by metadata",
      answered: `without: ${words(plain)}; with: ${words(london)}`,
      expected,
    };
  },
  async (stage) => {
    const { base, shadowed } = stage;
    const answers = await tally(base, deploymentPath("iris-shadow", "api/v1.0/predictions"), fewRequests);
    const copies = await eventually(stage, shadowed, (count) => count >= fewRequests);
    return {
      asked: `shadow of ${fewRequests} requests`,
      answered: `${words(answers)}; the shadow got ${copies}`,
      expected: answers.first === fewRequests && copies === fewRequests,
    };
  },
  async ({ base }) => {
    const custom = await post(base, "/mycompany/ml/api/v1.0/predictions", ndarrayPayload);
    const generated = await post(base, deploymentPath("iris-custom", "api/v1.0/predictions"), ndarrayPayload);
    return {
      asked: "custom Mapping at /mycompany/ml/, which replaces the path of its deployment",
      answered: `${custom.status} from version ${custom.version ?? "?"}; ${generated.status}`,
      expected: custom.version === "2" && generated.status === 404,
    };
  },
  async ({ base }) => {
    const path = deploymentPath("iris-private", "api/v1.0/predictions");
    const nobody = await post(base, path, ndarrayPayload);
    const wrong = await post(base, path, ndarrayPayload, { "x-api-key": `${demoKey}s` });
    const notebook = await post(base, path, ndarrayPayload, { "x-api-key": demoKey });
    return {
      asked: "a deployment that asks who calls: without a key, with a wrong one, with the right one",
      answered: `${nobody.status} (${nobody.headers.get("www-authenticate") ?? "no challenge"}), ${wrong.status}, ${notebook.status} from version ${notebook.version ?? "?"}`,
      expected: nobody.status === 401 && wrong.status === 401 && notebook.version === "1",
    };
  },
  liveEdit,
  stickyCanary,
  comparedShadow,
];

function split(asked: string, deployment: string, canaryShare: number): Check {
  return async ({ base }) =>
    judge(asked, await tally(base, deploymentPath(deployment, "api/v1.0/predictions"), splitRequests), canaryShare);
}

function splitGrpc(asked: string, deployment: string, canaryShare: number): Check {
  return async ({ base }) => judge(asked, await tallyGrpc(base, deployment, splitRequests), canaryShare);
}

function judge(asked: string, answers: Tally, canaryShare: number): Finding {
  const mean = splitRequests * canaryShare;
  const within = tolerance(splitRequests, canaryShare);
  return {
    asked,
    answered: `${words(answers)} (canary expected: ${mean} ± ${within})`,
    expected: answers.failed === 0 && Math.abs(answers.second - mean) <= within,
  };
}

/** Moves the annotated canary to 100 % and back, asking all the while: no answer fails, and the new share holds. */
async function liveEdit(stage: Stage): Promise<Finding> {
  const { base, folder, ports } = stage;
  let failed = 0;
  const ask = async (count: number): Promise<Tally> => {
    const answers = await tally(base, deploymentPath("iris-annotated", "api/v1.0/predictions"), count);
    failed += answers.failed;
    return answers;
  };
  const edit = (traffic: string): Promise<void> =>
    replaceFile(join(folder, annotatedFile), manifests(ports, traffic).get(annotatedFile)!);

  await edit("main=0,canary=100");
  const startMs = performance.now();
  const moved = await eventually(
    stage,
    () => ask(probeRequests),
    (answers) => answers.second === probeRequests,
  );
  const tookMs = Math.round(performance.now() - startMs);
  const after = await ask(splitRequests);
  await edit(annotatedTraffic);
  const back = await eventually(
    stage,
    () => ask(probeRequests),
    (answers) => answers.first > 0,
  );
  return {
    asked: "an edit of the annotation, to main=0,canary=100, and back, while requests run",
    answered: `${moved.second} of ${probeRequests} from the canary ${tookMs} ms after the edit, those requests included; then ${words(after)}; failed: ${failed}`,
    expected: moved.second === probeRequests && after.second === splitRequests && back.first > 0 && failed === 0,
  };
}
