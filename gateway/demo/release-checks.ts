// What the demo asks of sticky canaries and of compared shadows.
import { join } from "node:path";
import type { ShownComparison } from "../api/comparisons.ts";
import { flowers, payloadOf } from "./flowers.ts";
import { tallyGrpc } from "./grpc-predictions.ts";
import { annotatedFile, annotatedTraffic, manifests, replaceFile } from "./manifests.ts";
import { deploymentPath, firstItem, ndarrayPayload, post } from "./predictions.ts";
import { eventually, type Finding, type Stage } from "./stage.ts";

/** Of a right gateway some are at either version, and some more at 80 %: the hash of these names is the same everywhere. */
const stickyCallers = 40;

/** Callers stay with their predictor, over REST and gRPC; when the canary grows, none of its callers leaves it. */
export async function stickyCanary(stage: Stage): Promise<Finding> {
  const { base, folder, ports } = stage;
  const path = deploymentPath("iris-annotated", "api/v1.0/predictions");
  const callers = Array.from({ length: stickyCallers }, (_, at) => `caller-${at}`);
  const ask = async (): Promise<readonly string[]> => {
    const answers = await Promise.all(
      callers.map((caller) => post(base, path, ndarrayPayload, { "x-user": caller }).then(({ version }) => version)),
    );
    return callers.filter((_, at) => answers[at] === "2");
  };
  const edit = (traffic: string): Promise<void> =>
    replaceFile(join(folder, annotatedFile), manifests(ports, traffic).get(annotatedFile)!);
  const first = await ask();
  const again = await ask();
  const grpc: string[] = [];
  for (const caller of callers)
    if ((await tallyGrpc(base, "iris-annotated", 1, { "x-user": caller })).second === 1) grpc.push(caller);
  await edit("main=20,canary=80");
  const grown = await eventually(stage, ask, (reading) => reading.length > first.length);
  await edit(annotatedTraffic);
  const back = await eventually(stage, ask, (reading) => reading.length === first.length);
  const left = first.filter((caller) => !grown.includes(caller)).length;
  const stayed = [again, grpc, back].every((reading) => reading.join() === first.join());
  return {
    asked: `sticky canary by header x-user: ${stickyCallers} callers at 50 %, again, over gRPC, at 80 %, and back at 50 %`,
    answered: `${first.length} callers at the canary, ${again.length}, ${grpc.length}, ${grown.length}, ${back.length}; ${left} left it as it grew; ${stayed ? "the same callers each time at 50 %" : "other callers at 50 %"}`,
    expected: stayed && left === 0 && first.length > 0 && grown.length > first.length,
  };
}

/** The gateway compares a sample of the shadow's answers with those that clients got, and finds where the two models differ. */
export async function comparedShadow(stage: Stage): Promise<Finding> {
  const { base, admin, shadowed } = stage;
  for (const flower of flowers)
    await post(base, deploymentPath("iris-shadow", "api/v1.0/predictions"), payloadOf(flower));
  const copies = await shadowed();
  const compared = await eventually(
    stage,
    () => firstItem<ShownComparison>(admin, "comparisons", "iris-shadow"),
    (reading) => reading !== null && reading.disagreed > 0,
  );
  const paths = compared?.paths.map(({ path }) => path) ?? [];
  return {
    asked: "compared shadow: where the two models differ, of a sample of its copies",
    answered:
      compared === null
        ? "no comparison"
        : `of ${compared.pairs} pairs of answers ${compared.disagreed} differ, at ${paths.join(", ")}`,
    expected:
      compared !== null &&
      compared.pairs <= copies &&
      compared.disagreed > 0 &&
      paths.some((path) => path.startsWith("data.")),
  };
}
