// Decide: the answer of the pure core to one request. Allocates nothing: every Decision was built with the table.
import type { Decision, RejectDecision, Shadow } from './decision.ts';
import { fieldNamed } from './bytes.ts';
import { isGrpcPath } from './grpc.ts';
import type { RequestHead } from './head.ts';
import { findByName, findSeat, ownerOf, scan } from './lookup.ts';
import type { Space } from './space.ts';
import type { RouteTable, Split } from './table.ts';

/** What to do with this request. `draw` is in [0, 1) and picks among the members of the Route. */
export function decide<T>(table: RouteTable<T>, head: RequestHead, draw: number): Decision<T> {
  const space = ownerOf(table, head);
  if (space === null) return notFound(table, head);
  const find = space === table.shared && isBareCall(head) ? answerBare : answer;
  return find(table, space, head, draw, true) ?? find(table, space, head, draw, false) ?? notFound(table, head);
}

/** A gRPC call that names a deployment and, being looked up in shared space, no namespace. */
function isBareCall(head: RequestHead): boolean {
  return head.grpc && fieldNamed(head, 'seldon', 0) >= 0 && isGrpcPath(head);
}

/**
 * A bare name is its only declarer's, and nobody's when it is contested, reserved or closed (design §4.2): a claim on the path does not get the
 * call, however well it matches. A Grant does; granted Routes come first in Order, so the first match tells.
 */
function answerBare<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, draw: number, hasLive: boolean): Decision<T> | null {
  const seated = findSeat(table, space, head, hasLive)?.route ?? null;
  const found = scan(space, head, hasLive, seated) ?? seated;
  const route = found !== null && found.granted ? found : (findByName(table, space, head, hasLive)?.route ?? null);
  return route === null ? null : pick(route.split, draw);
}

/** What the first match says: among Routes with a live Mapping, or among those with only shadows. */
function answer<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, draw: number, hasLive: boolean): Decision<T> | null {
  const seat = findSeat(table, space, head, hasLive);
  if (space.scanned.length > 0) {
    const route = scan(space, head, hasLive, seat === null ? null : seat.route);
    if (route !== null) return pick(route.split, draw);
  }
  if (seat === null) return null;
  return seat.sole ?? pick(seat.route.split, draw);
}

/** The member that the draw falls on. */
function pick<T>(split: Split<T>, draw: number): Decision<T> {
  if (split.sole !== null) return split.sole;
  const { forwards, bounds } = split;
  for (let i = 0; i < bounds.length; i++) if (draw < bounds[i]!) return forwards[i]!;
  return split.reject!;
}

/** Does this Shadow get a copy? `draw` is in [0, 1), another one for each Shadow: independent of the Split and of other Shadows. */
export function isCopied<T>(shadow: Shadow<T>, draw: number): boolean {
  return draw < shadow.fraction;
}

function noRoute(sentence: string): RejectDecision {
  return Object.freeze({ kind: 'reject', reason: 'no-route', sentence, mapping: null });
}

const noPath = noRoute('no route for this host and path');
const noMethod = noRoute('no route for this gRPC method: Seldon serves seldon.protos, tensorflow.serving and inference');
const noDeployment = noRoute('no deployment serves this call under the metadata seldon and namespace');
const noMetadata = noRoute('no route: the call names no deployment; send metadata seldon and namespace');
const noName = noRoute('no route: the call names no deployment; send metadata seldon beside namespace');
const namespaceNeeded: RejectDecision = Object.freeze({
  kind: 'reject',
  reason: 'namespace-needed',
  sentence: 'metadata seldon alone does not name one deployment; send metadata namespace as well',
  mapping: null,
});

/** Why nothing matched. Says only what the caller sent or left out. */
function notFound<T>({ settings }: RouteTable<T>, head: RequestHead): RejectDecision {
  if (!head.grpc) return noPath;
  if (!isGrpcPath(head)) return noMethod;
  const named = fieldNamed(head, 'seldon', 0) >= 0;
  if (fieldNamed(head, 'namespace', 0) >= 0) return named ? noDeployment : noName;
  if (!named) return noMetadata;
  // With a single namespace there is no other to name.
  return settings.singleNamespace === null ? namespaceNeeded : noDeployment;
}
