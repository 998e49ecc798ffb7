// Deployments as the admin API tells them: what their Routes declare and serve, and what was measured beside it.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import type { Deployment, Measured, Predictor } from "../../api/deployments.ts";
import { failedWords, mostFail } from "../../explain/measured-words.ts";
import type { Slices } from "../../shared/slices.ts";
import type { AdminView } from "./view.ts";
import type { EndpointNumbers, PredictorKey, SeenEndpoint } from "../../api/counted.ts";

/** A deployment of the table. */
export interface DeploymentKey {
  readonly namespace: string;
  readonly name: string;
  readonly predictors: readonly PredictorKey[];
}

/** All deployments, or `only` this one, in no order. Mappings alone are none. */
export async function deploymentKeys(
  view: Pick<AdminView, "counted" | "hasMapping">,
  slices: Slices,
  only: Pick<DeploymentKey, "namespace" | "name"> | null = null,
): Promise<readonly DeploymentKey[]> {
  const found = new Map<string, { namespace: string; name: string; predictors: Map<string, PredictorKey> }>();
  for (const { series } of view.counted.ownedSlots) {
    await slices.pause();
    const { namespace, deployment: name, predictor, role } = series;
    if (only !== null && (only.namespace !== namespace || only.name !== name)) continue;
    const key = namespacedName(namespace, name);
    let one = found.get(key);
    // In the other protocol it is known already.
    if (one?.predictors.has(`${role} ${predictor}`) === true || !isDeployments(view, series)) continue;
    if (one === undefined) found.set(key, (one = { namespace, name, predictors: new Map() }));
    one.predictors.set(`${role} ${predictor}`, series);
  }
  return Array.from(found.values(), ({ namespace, name, predictors }) => ({
    namespace,
    name,
    predictors: [...predictors.values()],
  }));
}

/** What a predictor gets of its Route. */
interface Share {
  readonly declared: number;
  readonly served: number;
  readonly isReady: boolean;
}

const noShare: Share = { declared: 0, served: 0, isReady: false };

/** Parts of a SeldonDeployment that the Route of a predictor may come from, those that tell of it before others. */
const parts = ["http", "grpc", "http-previous", "grpc-previous", "explainer"] as const;

/** Is it a predictor of a SeldonDeployment of the table? */
export function isDeployments(view: Pick<AdminView, "hasMapping">, key: PredictorKey): boolean {
  return parts.some((part) => view.hasMapping(mappingOf(key, part)));
}

function mappingOf({ namespace, deployment, predictor }: PredictorKey, part: (typeof parts)[number]): string {
  return `SeldonDeployment ${namespace}/${deployment} ${part} ${predictor}`;
}

/** Of its Routes the first that the newest table has: those of REST and gRPC divide alike. */
function shareOf(view: Pick<AdminView, "routeOf">, key: PredictorKey): Share {
  for (const part of parts) {
    const id = mappingOf(key, part);
    const route = view.routeOf(id);
    if (route === null) continue;
    const member = route.split.members.find(({ mapping }) => mapping.id === id);
    if (member !== undefined) return { declared: member.declared, served: member.share, isReady: member.ready };
    const shadow = route.shadows.find(({ mapping }) => mapping.id === id);
    if (shadow !== undefined) return { declared: shadow.fraction, served: shadow.fraction, isReady: shadow.ready };
  }
  return noShare;
}

/** Read within one turn. */
export function deploymentOf(
  view: Pick<AdminView, "routeOf" | "counted">,
  { namespace, name, predictors }: DeploymentKey,
): Deployment {
  const live = predictors.filter(({ role }) => role === "live");
  const each = predictors.map((key) => view.counted.measuredOf([key]));
  const windows = live.length === 1 ? each[predictors.indexOf(live[0]!)]! : view.counted.measuredOf(live);
  const { requests } = windows.lastMinute;
  const shares = predictors.map((key) => shareOf(view, key));
  const told = predictors.map((key, at): Predictor => {
    const { declared, served } = shares[at]!;
    const measured = each[at]!;
    const isLive = key.role === "live";
    return {
      name: key.predictor,
      role: key.role,
      declaredPercent: percent(declared),
      servedPercent: percent(served),
      measuredPercent: isLive && requests > 0 ? percent(measured.lastMinute.requests / requests) : null,
      ...measured,
      endpoints: (view.counted.endpointsOf(key) ?? []).map((one) =>
        endpointOf(one, view.counted.endpointNumbers(key, one)),
      ),
    };
  });
  const isReady = predictors.some(({ role }, at) => role === "live" && shares[at]!.isReady);
  const failing = told.find(
    ({ role, lastMinute }, at) => role === "live" && shares[at]!.isReady && mostFail(lastMinute),
  );
  return {
    namespace,
    name,
    state: !isReady ? "unready" : failing === undefined ? "ready" : "failing",
    sentence:
      failing === undefined
        ? stateWords(isReady, windows.lastMinute)
        : `${failing.name}: ${stateWords(true, failing.lastMinute)}`,
    predictors: told,
    ...windows,
  };
}

function endpointOf({ address, state }: SeenEndpoint, numbers: EndpointNumbers): Predictor["endpoints"][number] {
  return { address, state: state !== "failing" && numbers.ejectedBy > 0 ? "ejected" : state, ...numbers };
}

/** `ready · 27 of 30 failed in the last minute: …`. */
function stateWords(isReady: boolean, lastMinute: Measured): string {
  const failed = failedWords(lastMinute);
  return `${isReady ? "ready" : "unready"}${failed === "" ? "" : ` · ${failed}`}`;
}

function percent(share: number): number {
  return Math.round(share * 10_000) / 100;
}
