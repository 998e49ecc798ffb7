// Member: chooses the member of a Route that is sticky by clients (`sluice.io/sticky: client`), as soon as it is known who calls.
import { goOn, requestStep, type Step } from "./step.ts";

/** A request whose caller is not known stays with the member that was drawn. */
export const memberStep: Step = requestStep("member", ({ caller }) =>
  caller === null ? goOn : { kind: "choose", client: `${caller.provider}/${caller.client}` },
);
