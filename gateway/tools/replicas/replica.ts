// A replica of a gateway, as commands reach it: by a URL of its admin port, or through a connection that somebody else opens.
import type { Duplex } from "node:stream";
import { list, type Option } from "../../options/option.ts";

export interface Replica {
  /** For people: the URL, or the name of the pod. */
  readonly name: string;
  /** `http://HOST:PORT`, without a slash at its end. */
  readonly base: string;
  /** Opens a connection to the admin port; rejects with one sentence. null: the base is dialled. */
  readonly connect: (() => Promise<Duplex>) | null;
}

/** `--url`, of one replica or of several. null: it is not written. */
export const replicasOption: Option<readonly Replica[] | null> = {
  ...list("ADMIN", "ask a running gateway, for example http://127.0.0.1:8877; write it once for each replica"),
  byDefault: null,
  read: ({ texts }) => replicasAt(texts.flatMap((text) => text.split(","))),
};

/** Each URL once, in their order. */
export function replicasAt(urls: readonly string[]): readonly Replica[] {
  return [...new Set(urls.map((url) => baseOf(url.trim())))].map((base) => ({
    // A password would be printed with it.
    name: base.replace(/\/\/.*@/, "//"),
    base,
    connect: null,
  }));
}

function baseOf(url: string): string {
  return (/^https?:\/\//.test(url) ? url : `http://${url}`).replace(/\/+$/, "");
}
