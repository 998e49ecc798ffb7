// Who may open a tunnel: requests for an upgrade to WebSocket (RFC 6455 §4.1), where the Mapping allows it.
import { isText } from "../../../routing/request/bytes.ts";
import { failures } from "../../failures.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import { goOn, requestStep, type Step, type Verdict } from "./step.ts";

const noTunnels: Verdict = Object.freeze({ kind: "fail", failure: failures.upgradeRefused, detail: "" });
const noTunnel: Verdict = Object.freeze({
  kind: "fail",
  failure: failures.upgradeRefused,
  detail: "it takes a GET without a body, and an upstream that speaks HTTP/1.1",
});

/** Refuses every upgrade. */
export const noUpgradeStep: Step = requestStep("upgrade", () => noTunnels);

/** Lets those upgrades pass that the upstream can take. */
export function upgradeStep(pool: UpstreamPool): Step {
  return requestStep("upgrade", ({ head }) =>
    pool.upstream?.protocol === "http1" && mayTunnel(head) ? goOn : noTunnel,
  );
}

function mayTunnel(head: WireRequestHead): boolean {
  return (
    isText(head.bytes, head.methodStart, head.methodEnd, "GET") &&
    head.http11 &&
    head.framing !== "chunked" &&
    head.contentLength <= 0
  );
}
