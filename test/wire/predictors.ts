// A deployment of several predictors on a gateway of a wire test: each with an origin of its own, which answers as Seldon's executor does.
import type { Guard } from "../../routing/model/guard.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import type { JsonPath } from "../../routing/text/json-path.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { endpointsOn, type Gateway } from "./gateway.ts";
import { answerEach, Origin, type OriginBehaviour } from "./origin.ts";

export interface Member {
  readonly predictor: string;
  /** 0..1. */
  readonly share: number;
  /** Default `iris`: the deployment that it is of. Members of two share the Route. */
  readonly deployment?: string;
  /** Of the deployment among those of the Route, percent. */
  readonly weight?: number;
  /** Default true. */
  readonly ready?: boolean;
  readonly guard?: Guard;
  readonly rewardPath?: JsonPath | null;
  /** Digest of its model. */
  readonly model?: string;
  readonly protocol?: Upstream["protocol"];
  readonly port?: number;
}

/** One of the members of `/seldon/prod/iris/`. */
export function memberMapping({
  predictor,
  share,
  deployment = "iris",
  weight,
  guard,
  rewardPath = null,
  model = "",
}: Member): Mapping {
  const mapping = mappingOf("iris", `${deployment}-${predictor}`);
  return {
    ...mapping,
    id: `SeldonDeployment prod/${deployment} http ${predictor}`,
    source: { kind: "SeldonDeployment", namespace: "prod", name: deployment },
    member: `SeldonDeployment prod/${deployment}`,
    target: { ...(mapping.target as ForwardTarget), rewardPath, model },
    role: { kind: "live", weight: weight ?? null, share },
    guard: guard ?? mapping.guard,
    series: { ...mapping.series, deployment, predictor },
  };
}

/** The n-th has the slot `firstSlot` + n. `portOf`: of its only Endpoint. */
export function serveMembers(gateway: Gateway, members: readonly Member[], portOf: (member: Member) => number): void {
  const keyOf = ({ deployment = "iris", predictor }: Member): string => `${deployment}-${predictor}`;
  gateway.serve(
    members.map(memberMapping),
    members.map((member) => ({ ...upstreamOf(keyOf(member)), protocol: member.protocol ?? "http1" })),
    members.map((member) => endpointsOn(keyOf(member), member.ready === false ? [] : [portOf(member)])),
  );
}

/** Answers each request with its puid in the head, as Seldon's executor does, and in `meta.puid`, as its engine did. */
export function executor(name: string): OriginBehaviour {
  return answerEach((request) => {
    const puid = puidIn(request) ?? "own";
    const body = JSON.stringify({ meta: { puid, requestPath: { [name]: "image" } }, data: { ndarray: [[1]] } });
    return `HTTP/1.1 200 OK\r\nSeldon-Puid: ${puid}\r\nx-model: ${name}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  });
}

/** The first puid in a head; null: there is none. */
export function puidIn(head: string): string | null {
  return /^seldon-puid: *(.*?)\r?$/im.exec(head)?.[1] ?? null;
}

export async function executors(names: readonly string[]): Promise<ReadonlyMap<string, Origin>> {
  const origins = new Map<string, Origin>();
  for (const name of names) origins.set(name, await new Origin(executor(name)).listen());
  return origins;
}
