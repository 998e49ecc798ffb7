// Gates: steps before a Route is looked for that only look at the head and the connection. A request that nobody turns away pays one comparison where there are none.
import type { BeforeRouteName } from "../../steps.ts";
import type { Front } from "../io/front.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { lookAtHead } from "../message/front-look.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { Door, Turned } from "../tls/door.ts";

export interface Gate {
  readonly name: BeforeRouteName;
  /** null: the request may pass. */
  judge(head: WireRequestHead, facts: ClientFacts): Turned | null;
}

/** Those that hold now, in their order; null: none. */
export function gatesOf(front: Front, door: Door | null): readonly Gate[] | null {
  const gates: Gate[] = [];
  if (front.underscores !== "allow" || front.refusesEscapedSlashes)
    gates.push({
      name: "head-rules",
      judge(head) {
        const failure = lookAtHead(head, front);
        return failure === null ? null : { kind: "fail", failure };
      },
    });
  if (door !== null) gates.push({ name: "host-policy", judge: (head, facts) => door.judge(head, facts) });
  return gates.length === 0 ? null : Object.freeze(gates);
}
