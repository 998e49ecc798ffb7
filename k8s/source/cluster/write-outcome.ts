// What came of writing one object over the version that was read.
import { fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import type { ApiAnswer } from "../api/api.ts";
import type { RecordWrite } from "../objects/source.ts";

/** `answer`: to a POST, or to a PUT with a resourceVersion. */
export function writeOutcome(answer: ApiAnswer): RecordWrite {
  if (answer.kind === "answer")
    return {
      kind: "written",
      version: textOf(fieldOf(recordOf(fieldOf(recordOf(answer.value), "metadata")), "resourceVersion")),
    };
  // Another replica was first, or somebody deleted it: the watch says which.
  if (answer.kind === "refused" && (answer.status === 409 || answer.status === 404)) return { kind: "conflict" };
  return { kind: "failed", sentence: answer.sentence };
}
