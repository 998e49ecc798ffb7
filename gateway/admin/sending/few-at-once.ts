// Answers that are made for each client: few of a kind are under way at once, and the operator's have room of their own.
import type { FastifyReply } from "fastify";
import type { Viewer } from "../../api/viewer.ts";
import { refuseBusy } from "./send-shared.ts";
import { mostUnderWay } from "./shared-answers.ts";

export class FewAtOnce {
  readonly #underWay = { operator: 0, viewers: 0 };

  /** false: too many are under way, and the client has been told. It lasts until the client has its answer or is gone. */
  begin(reply: FastifyReply, { isAdmin }: Viewer): boolean {
    const whose = isAdmin ? "operator" : "viewers";
    if (this.#underWay[whose] >= mostUnderWay) {
      void refuseBusy(reply);
      return false;
    }
    this.#underWay[whose] += 1;
    reply.raw.once("close", () => (this.#underWay[whose] -= 1));
    return true;
  }
}
