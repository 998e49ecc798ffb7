// Common parts: what most Mappings hold, one frozen object for all. Their digests are taken once: three quarters of a Mapping are in such parts.
import { keepDigest } from "../../../routing/collections/digest.ts";

/** The value, frozen. Its own parts are frozen already. */
export function commonPart<V extends object>(value: V): V {
  keepDigest(Object.freeze(value));
  return value;
}
