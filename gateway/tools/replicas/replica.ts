// A replica of a gateway, as commands reach it: by a URL of its admin port, or through a connection that somebody else opens.
import type { Duplex } from "node:stream";
import { wrongValue } from "../../options/option.ts";

export interface Replica {
  /** For people: the URL, or the name of the pod. */
  readonly name: string;
  /** `http://HOST:PORT`, without a slash at its end. */
  readonly base: string;
  /** Opens a connection to the admin port; rejects with one sentence. null: the base is dialled. */
  readonly connect: (() => Promise<Duplex>) | null;
}

/** Replicas that one command asks: more are a mistake. */
const maxReplicas = 64;

/** Reads a value of `--url`: one URL, or several with commas between them. */
export function readReplicas(written: string, from: string): readonly string[] {
  const urls = written.split(",").map((url) => url.trim());
  for (const url of urls) {
    // What fails later is printed, and a password would be with it.
    if (url.includes("@"))
      return wrongValue(
        `${from} holds @, and Sluice sends no user or password: write http://HOST:PORT, and --admin-token TOKEN`,
      );
    if (!URL.canParse(baseOf(url)))
      return wrongValue(`${from} is "${written}": write the admin port, for example http://127.0.0.1:8877`);
  }
  return urls;
}

/** Each URL once, in their order. */
export function replicasAt(urls: readonly string[]): readonly Replica[] {
  return [...new Set(urls.map(baseOf))].slice(0, maxReplicas).map((base) => ({ name: base, base, connect: null }));
}

function baseOf(url: string): string {
  return (/^https?:\/\//.test(url) ? url : `http://${url}`).replace(/\/+$/, "");
}
