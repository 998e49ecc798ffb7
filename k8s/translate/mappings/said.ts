// What a document says: a field with a value of its own, be it an empty one. What cannot be used at all counts as not written.
import type { Fields } from "../fields/fields.ts";
import type { MappingDefaults } from "../meaning/module-defaults.ts";

/** Is the field absent, or of no use? `{}`, `[]`, 0 and false say that nothing is wanted. `decoded`: what came of it. */
export function saysNothing(
  fields: Fields,
  name: string,
  decoded: Pick<MappingDefaults, "requestHeaders" | "responseHeaders" | "retry" | "cors" | "loadBalancer"> & {
    readonly limits: Pick<MappingDefaults["limits"], "breakers">;
  },
): boolean {
  if (!fields.has(name)) return true;
  if (!fields.isUnusable(name)) return false;
  switch (name) {
    case "add_request_headers":
      return decoded.requestHeaders.add.length === 0;
    case "remove_request_headers":
      return decoded.requestHeaders.remove.length === 0;
    case "add_response_headers":
      return decoded.responseHeaders.add.length === 0;
    case "remove_response_headers":
      return decoded.responseHeaders.remove.length === 0;
    case "circuit_breakers":
      return decoded.limits.breakers.length === 0;
    case "retry_policy":
      return decoded.retry === null;
    case "cors":
      return decoded.cors === null;
    case "load_balancer":
      return decoded.loadBalancer.kind === "least-request";
    default:
      return true;
  }
}
