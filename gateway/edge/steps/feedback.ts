// The step of feedback: it goes to the predictor that its puid names, and what it says of that one is counted where the model takes it.
import type { WireRequestHead } from "../message/request-head.ts";
import { fieldNamed, fieldText } from "../../../routing/request/bytes.ts";
import { GrpcFeedback, jsonFeedback, type FeedbackReader } from "../feedback/feedback-reader.ts";
import { puidField } from "../feedback/puid.ts";
import { goOn, waits, type FeedbackWay, type Step, type StepRequest } from "./step.ts";

/** `maxBytes`: of the body that is held until its puid has come; 0: none is held. */
export function feedbackStep(maxBytes: number): Step {
  return Object.freeze({
    name: "feedback",
    answered: null,
    ended: null,
    take: (request: StepRequest) => {
      if (!request.hasOtherMembers) return counted(request, "sole");
      const named = request.turnTo(headPuids(request.head));
      if (named === "puid" || named === "earlier_model" || request.bodyBytes === 0 || isEncoded(request.head))
        return counted(request, named);
      // A client decides how long its body takes: it may cost another tenant nothing, and itself no failure.
      if (maxBytes === 0 || !request.hasRoomForBody) return counted(request, named === "no_puid" ? "too_long" : named);
      const resume = request.wait(() => undefined);
      const reader = readerOf(request);
      request.awaitBody(
        maxBytes,
        (body, whole) => {
          reader.take(body, 0, body.length);
          const said = request.turnTo(reader.puids);
          const way = said === "no_puid" ? (whole ? named : "too_long") : said;
          // Its Route may have lost the others meanwhile.
          counted(request, request.hasOtherMembers ? way : "sole");
          resume(goOn);
        },
        "take",
      );
      return waits;
    },
  });
}

function counted(request: StepRequest, way: FeedbackWay): typeof goOn {
  const reader = isEncoded(request.head) ? null : readerOf(request);
  const note = { way, reward: null as number | null };
  request.countFeedback(note);
  if (reader !== null)
    request.seeBody({
      piece: (bytes, start, end) => reader.take(bytes, start, end),
      ended: (end) => {
        if (end === "complete") note.reward = reader.reward;
      },
    });
  return goOn;
}

/** The gateway decompresses nothing. `identity` is no coding (RFC 9110 §8.4.1). */
function isEncoded(head: WireRequestHead): boolean {
  const first = fieldNamed(head, "content-encoding", 0);
  return first >= 0 && fieldText(head, "content-encoding", first).toLowerCase() !== "identity";
}

/** By what the member that gets it now calls a reward. */
function readerOf({ head, rewardPath }: StepRequest): FeedbackReader {
  return head.grpc ? new GrpcFeedback(rewardPath) : jsonFeedback(rewardPath);
}

function headPuids(head: WireRequestHead): readonly string[] {
  const first = fieldNamed(head, puidField, 0);
  return first < 0 ? [] : [fieldText(head, puidField, first)];
}
