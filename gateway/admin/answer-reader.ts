// AnswerReader: who reads an answer that is made while it is sent.
import type { ServerResponse } from 'node:http';

export class AnswerReader {
  readonly #response: ServerResponse;
  #isGone = false;
  /** Of what is being sent. */
  #sent: (() => void) | null = null;

  constructor(response: ServerResponse) {
    this.#response = response;
    const { socket } = response.req;
    const gone = (): void => {
      socket.removeListener('close', gone);
      this.#isGone = true;
      this.#sent?.();
    };
    response.once('close', gone);
    // An answer that stands behind others of its connection is not told of the connection's end.
    socket.once('close', gone);
    if (socket.destroyed) gone();
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
