// ControlPart: the words that parts of the control worker share. Each is optional: a part has those for which it has something to do.
import type { Problem } from "../../routing/text/problem.ts";
import type { SourceChange } from "../../k8s/source/objects/source.ts";
import type { ControlToData, DataToControl } from "../shared/messages.ts";

export type Send = (message: ControlToData) => void;

export interface ControlPart {
  /** Called before the Source is read. A rejection with one sentence ends the start. */
  open?(): void | Promise<void>;
  /** The Source delivered a change: the first one before `synced`. */
  change?(change: SourceChange): void;
  /** The Source has delivered all that there is. An Error with one sentence ends the start. */
  synced?(): void;
  /** A data worker came, or came back. `send` reaches it until it leaves. */
  join?(worker: number, send: Send): void;
  /** A data worker ended. */
  leave?(worker: number): void;
  /** Problems that the part found, now. */
  readonly problems?: readonly Problem[];
  /** The gateway was told to end, and serves what it has begun. */
  drain?(): void;
  /** The thread ends. Called once, whether the part was opened or not; a promise is waited for before the Source is stopped. */
  stop?(): void | Promise<void>;
}

/** What becomes of each message of a data worker. */
export type Taking = {
  readonly [Kind in DataToControl["kind"]]: (
    message: Extract<DataToControl, { readonly kind: Kind }>,
    worker: number,
    send: Send,
  ) => void;
};

/** Hands a message to the part that takes its kind. */
export function take<Kind extends DataToControl["kind"]>(
  taking: Taking,
  message: Extract<DataToControl, { readonly kind: Kind }> & { readonly kind: Kind },
  worker: number,
  send: Send,
): void {
  taking[message.kind](message, worker, send);
}
