// What a successor must know leaves in pieces: the slots of 10,000 deployments in one message are 8 MiB at once, and once it has given back so much,
// malloc keeps up to twice that in each of its arenas.
import type { HandoverChange } from "../../shared/messages.ts";

/** Of each list. About 100 KiB are a message then, which malloc takes from what it has. */
const mostInPiece = 400;

/** Changes that come to the same one after the other: what ends comes first. */
export function* piecesOf({
  ready,
  taken,
  freed,
  breakersTaken,
  breakersFreed,
  addresses,
  held,
  released,
}: HandoverChange): Iterable<HandoverChange> {
  const end = Math.max(taken.length, breakersTaken.length, held.length, 1);
  for (let from = 0; from < end; from += mostInPiece) {
    const to = from + mostInPiece;
    const isFirst = from === 0;
    yield {
      ready,
      taken: taken.slice(from, to),
      freed: isFirst ? freed : [],
      breakersTaken: breakersTaken.slice(from, to),
      breakersFreed: isFirst ? breakersFreed : [],
      addresses: isFirst ? addresses : null,
      held: held.slice(from, to),
      released: isFirst ? released : [],
      more: to < end,
    };
  }
}
