// A replica of a gateway, as commands reach it: by a URL of its admin port, or through a connection that somebody else opens.
import type { Duplex } from "node:stream";
import { list, wrongValue, type Option } from "../../options/option.ts";

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
  read: ({ from, texts }) => {
    const urls = texts.flatMap((text) => text.split(",")).map((text) => text.trim());
    const wrong = urls.find((url) => !isAdminAddress(url));
    if (wrong !== undefined)
      wrongValue(
        `${from} is "${wrong}", which is no address of an admin port: write for example http://127.0.0.1:8877`,
      );
    return replicasAt(urls);
  },
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

/** A path is asked below it; behind a query or a fragment no path would be one. Who writes a password is told so later, without the password. */
function isAdminAddress(url: string): boolean {
  return (
    url.includes("@") ||
    (/^(?:https?:\/\/|(?!\w+:\/\/))[^?#/]/.test(url) && !/[?#]/.test(url) && URL.canParse(baseOf(url)))
  );
}

function baseOf(url: string): string {
  return (/^https?:\/\//.test(url) ? url : `http://${url}`).replace(/\/+$/, "");
}
