// `sluice explain REQUEST-ID --url`: what became of a request that failed, asked of all replicas.
import { endpoints } from "../../admin/endpoints.ts";
import { requestStoryShape } from "../../api/failures.ts";
import { printStory } from "../../explain/request-story.ts";
import type { Outcome } from "../../options/command.ts";
import { isValue, printValue, textFormOf, type Output } from "../output.ts";
import { askFor } from "../replicas/ask.ts";
import type { Replica } from "../replicas/replica.ts";

/** A path begins with `/`, a URL has `://`: an id has neither. */
export function isRequestId(target: string): boolean {
  return /^[!-~]{1,512}$/.test(target) && !target.includes("/");
}

/** The first replica that knows the request answers. */
export async function explainRequest(
  id: string,
  {
    url,
    adminToken,
    output,
  }: { readonly url: readonly Replica[]; readonly adminToken: string | null; readonly output: Output },
): Promise<Outcome> {
  const path = endpoints.request.path.replace("{id}", encodeURIComponent(id));
  const question = { method: "GET", path, body: null, accept: "application/json", adminToken } as const;
  const answers = await Promise.all(url.map((replica) => askFor(replica, question, requestStoryShape)));
  const sentences: string[] = [];
  for (const answer of answers) {
    if (answer.kind === "failed") {
      sentences.push(answer.sentence);
      continue;
    }
    const text = isValue(output) ? printValue(answer.value, output) : printStory(answer.value);
    return { kind: "done", text, form: textFormOf(output), code: 0 };
  }
  return { kind: "failed", sentence: sentences.join("; ") };
}
