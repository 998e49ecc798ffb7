// `sluice explain REQUEST-ID --url`: what became of a request that failed, as the replica that kept it says.
import { endpoints } from "../../admin/endpoints.ts";
import { requestStoryShape } from "../../api/failures.ts";
import { printStory } from "../../explain/request-story.ts";
import type { Outcome } from "../../options/command.ts";
import type { Asking } from "../admin.ts";
import { askFor } from "../gateway/ask.ts";
import { isValue, printValue, textFormOf, type Output } from "../output.ts";

/** A path begins with `/`, a URL has `://`: an id has neither. */
export function isRequestId(target: string): boolean {
  return /^[!-~]{1,512}$/.test(target) && !target.includes("/");
}

export async function explainRequest(
  id: string,
  { url, adminToken, output }: Asking & { readonly output: Output },
): Promise<Outcome> {
  const path = endpoints.request.path.replace("{id}", encodeURIComponent(id));
  const question = { method: "GET", path, body: null, accept: "application/json", adminToken } as const;
  const answer = await askFor(url, question, requestStoryShape);
  if (answer.kind === "failed") return answer;
  const text = isValue(output) ? printValue(answer.value, output) : printStory(answer.value);
  return { kind: "done", text, form: textFormOf(output), code: 0 };
}
