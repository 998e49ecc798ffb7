// Fields that end here: credentials that were for the gateway, which no model should get.
import { kind } from "../fields/field-kind.ts";
import type { WireRequestHead } from "./request-head.ts";

/** The field goes to no upstream and no shadow. Steps still see it. Costs nothing, where a changed head would be copied. */
export function withhold(head: WireRequestHead, field: number): void {
  head.kinds[field] = kind.hop;
}
