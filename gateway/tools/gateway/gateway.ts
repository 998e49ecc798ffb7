// A gateway, as commands reach it: by a URL of the admin port of one replica, or through a connection that somebody else opens. That replica joins what the others say.
import type { Duplex } from "node:stream";
import { text, wrongValue, type Option } from "../../options/option.ts";

export interface Gateway {
  /** For people: the URL, or the name of the pod. */
  readonly name: string;
  /** `http://HOST:PORT`, without a slash at its end. */
  readonly base: string;
  /** Opens a connection to the admin port; rejects with one sentence. null: the base is dialled. */
  readonly connect: (() => Promise<Duplex>) | null;
}

/** `--url`. null: it is not written. */
export const gatewayOption: Option<Gateway | null> = text(
  "ADMIN",
  "ask a running gateway, for example http://127.0.0.1:8877; with --peers any replica answers for all",
  "",
  (written, from) =>
    isAdminAddress(written.trim())
      ? gatewayAt(written)
      : wrongValue(
          `${from} is "${written}", which is no address of an admin port: write for example http://127.0.0.1:8877`,
        ),
);

export function gatewayAt(url: string): Gateway {
  const base = baseOf(url.trim());
  // A password would be printed with it.
  return { name: base.replace(/\/\/.*@/, "//"), base, connect: null };
}

/** A path is asked below it; behind a query or a fragment no path would be one. Who writes a password is told so later, without the password. */
function isAdminAddress(url: string): boolean {
  return (
    url.includes("@") ||
    (/^(?:https?:\/\/|(?!\w+:\/\/))[^?#/,]/.test(url) && !/[?#,]/.test(url) && URL.canParse(baseOf(url)))
  );
}

function baseOf(url: string): string {
  return (/^https?:\/\//.test(url) ? url : `http://${url}`).replace(/\/+$/, "");
}
