// AnswerReader: who reads an answer that is made while it is sent.
import type { ServerResponse } from "node:http";

export class AnswerReader {
  readonly #response: ServerResponse;
  #isGone: boolean;
  /** Of what is being sent. */
  #sent: (() => void) | null = null;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#isGone = response.req.socket.destroyed;
    response.once("close", () => {
      this.#isGone = true;
      this.#sent?.();
    });
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Resolves when the kernel has the bytes, or nobody reads any more. One at a time. */
  async send(bytes: Buffer): Promise<void> {
    if (this.#isGone) return;
    await new Promise<void>((resolve) => {
      this.#sent = resolve;
      this.#response.write(bytes, () => resolve());
    });
    this.#sent = null;
  }
}
