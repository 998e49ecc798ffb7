// Decide: the answer of the pure core to one request. Allocates nothing where the Route was asked for before: its Decisions are kept.
import { fieldText } from "./request/bytes.ts";
import type { Decision, ForwardDecision, RejectDecision, Shadow, Split } from "./route/decision.ts";
import { isGrpcPath } from "./request/grpc.ts";
import type { RequestHead } from "./request/head.ts";
import { findByName, findRouteSlot, ownerOfCall, scan } from "./lookup.ts";
import { mostMatchSteps } from "./regex/matching.ts";
import { metadataOf, namesDeployment, namesNamespace, seldonField, type Metadata } from "./request/metadata.ts";
import { routeOf, type RouteSlot } from "./arena/route-slot.ts";
import type { NamespaceView } from "./arena/namespace-view.ts";
import type { RouteTable } from "./table.ts";

/** What to do with this request. `draw` is in [0, 1) and picks among the members of the Route. */
export function decide<T>(table: RouteTable<T>, head: RequestHead, draw: number): Decision<T> {
  if (head.regexSteps > 0) {
    head.regexSteps = 0;
    head.unmatchedTexts = 0;
  }
  const metadata = metadataOf(head);
  const space = ownerOfCall(table, head, metadata);
  if (space === null) return notFound(table, head, metadata);
  const find = space === table.shared && isBareCall(head, metadata) ? answerBare : answer;
  const decision =
    find(table, space, head, metadata, draw, true) ??
    find(table, space, head, metadata, draw, false) ??
    notFound(table, head, metadata);
  return head.regexSteps > mostMatchSteps ? tooManySteps : decision;
}

/** A gRPC call that names a deployment and, being looked up in shared space, no namespace. */
function isBareCall(head: RequestHead, metadata: Metadata): boolean {
  return namesDeployment(metadata) && isGrpcPath(head);
}

/**
 * A bare name is its only declarer's, and nobody's when it is contested, reserved or closed by whoever may close it: a claim on the path does not get the
 * call, however well it matches. A Grant does; granted Routes have the highest match precedence, so the first match tells.
 */
function answerBare<T>(
  table: RouteTable<T>,
  space: NamespaceView,
  head: RequestHead,
  metadata: Metadata,
  draw: number,
  hasLive: boolean,
): Decision<T> | null {
  const routeSlot = findRouteSlot(table, space, head, metadata, hasLive);
  const slotted = routeSlot === null ? null : routeOf(routeSlot);
  const found = scan(table, space, head, hasLive, slotted) ?? slotted;
  if (found !== null && found.granted) return pick(found.split, draw);
  const named = findByName(table, space, head, metadata, hasLive);
  return named === null ? null : answerOf(named, draw);
}

/** What the first match says: among Routes with a live Mapping, or among those with only shadows. */
function answer<T>(
  table: RouteTable<T>,
  space: NamespaceView,
  head: RequestHead,
  metadata: Metadata,
  draw: number,
  hasLive: boolean,
): Decision<T> | null {
  const routeSlot = findRouteSlot(table, space, head, metadata, hasLive);
  if (space.anyScanned) {
    const route = scan(table, space, head, hasLive, routeSlot === null ? null : routeOf(routeSlot));
    if (route !== null) return pick(route.split, draw);
  }
  return routeSlot === null ? null : answerOf(routeSlot, draw);
}

function answerOf<T>(routeSlot: RouteSlot<T>, draw: number): Decision<T> {
  return "route" in routeSlot ? drawn(routeSlot, draw) : routeSlot.split.reject!;
}

function pick<T>({ forwards, reject }: Split<T>, draw: number): Decision<T> {
  return forwards.length === 0 ? reject! : drawn(forwards[0]!, draw);
}

/** The member that the draw falls on: `first`, or one behind it. */
function drawn<T>(first: ForwardDecision<T>, draw: number): ForwardDecision<T> {
  let forward = first;
  while (forward.next !== null && draw >= forward.bound) forward = forward.next;
  return forward;
}

/** Does this Shadow get a copy? `draw` is in [0, 1), another one for each Shadow: independent of the Split and of other Shadows. */
export function isCopied<T>(shadow: Shadow<T>, draw: number): boolean {
  return draw < shadow.fraction;
}

function noRoute(sentence: string): RejectDecision {
  return Object.freeze({ kind: "reject", reason: "no-route", sentence, mapping: null, slot: -1 });
}

const noPath = noRoute("no route for this host and path");
const noMethod = noRoute(
  "no route for this gRPC method: Seldon serves seldon.protos, tensorflow.serving and inference",
);
const noDeployment = noRoute("no deployment serves this call under the metadata seldon and namespace");
const unknownName = noRoute("no deployment of that name");
const noMetadata = noRoute("no route: the call names no deployment; send metadata seldon and namespace");
const noName = noRoute("no route: the call names no deployment; send metadata seldon beside namespace");
const tooManySteps: RejectDecision = Object.freeze({
  kind: "reject",
  reason: "regex-work",
  sentence: `regexes of its routes need more than ${mostMatchSteps} steps`,
  mapping: null,
  slot: -1,
});
const namespaceNeeded: RejectDecision = Object.freeze({
  kind: "reject",
  reason: "namespace-needed",
  sentence: 'The metadata "seldon" alone does not name one deployment. Send the metadata "namespace" as well',
  mapping: null,
  slot: -1,
});

const notRead: RejectDecision = Object.freeze({
  kind: "reject",
  reason: "not-read",
  sentence: "The gateway has not read its objects yet. Retry in a moment",
  mapping: null,
  slot: -1,
});

/** Why nothing matched. Says only what the caller sent or left out. */
function notFound<T>(table: RouteTable<T>, head: RequestHead, metadata: Metadata): RejectDecision {
  if (table.version === 0) return notRead;
  if (!head.grpc) return noPath;
  if (!isGrpcPath(head)) return noMethod;
  const named = namesDeployment(metadata);
  if (namesNamespace(metadata)) return named ? noDeployment : noName;
  if (!named) return noMetadata;
  // With a single namespace there is no other to name.
  if (table.settings.singleNamespace !== null) return noDeployment;
  return table.isDeclared(fieldText(head, "seldon", seldonField(metadata))) ? namespaceNeeded : unknownName;
}
