// The target of a Mapping with nothing special, in parts that most Mappings have in common: one frozen object each.
import type { ForwardTarget } from "../../../routing/model/mapping.ts";
import { plainTarget as whole } from "../../../routing/arena/plain-mapping.ts";

/** Its prefix is taken away; the rest of the request goes on as it came. Whose Upstream it is and how long it may take is for whoever makes the Mapping. */
export const plainTarget: Omit<ForwardTarget, "upstream" | "timeout" | "idleTimeout"> = whole;
