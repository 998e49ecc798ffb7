// Discovery: which version of a resource the API server serves.
import { arrayOf, fieldOf, recordOf } from "../../translate/values/value.ts";
import type { Api, ApiFailure } from "../api/api.ts";
import { apiVersionOf, type Resource } from "./resources.ts";

export type Located =
  | { readonly kind: "served"; readonly version: string }
  /** No version that Sluice reads is served: the CRD is not installed. */
  | { readonly kind: "absent" }
  | ApiFailure;

/** The first of the resource's versions that is served. Where discovery is forbidden, the first is taken. */
export async function locate(api: Api, resource: Resource, idleMs: number, signal: AbortSignal): Promise<Located> {
  const [preferred] = resource.versions;
  if (!resource.custom) return { kind: "served", version: preferred! };
  for (const version of resource.versions) {
    const answer = await api.ask({
      method: "GET",
      path: `/apis/${apiVersionOf(resource, version)}`,
      body: null,
      idleMs,
      signal,
    });
    if (answer.kind === "answer") {
      const listed = arrayOf(fieldOf(recordOf(answer.value), "resources")).map(recordOf);
      if (listed.some((one) => fieldOf(one, "name") === resource.plural)) return { kind: "served", version };
    } else if (answer.kind === "refused" && answer.status === 403) {
      return { kind: "served", version: preferred! };
    } else if (answer.kind !== "refused" || answer.status !== 404) {
      return answer;
    }
  }
  return { kind: "absent" };
}
