// Asks the admin port of a running gateway.
import type { Option } from "../options/options.ts";

export const urlOption: Option = {
  name: "url",
  kind: "text",
  placeholder: "ADMIN",
  help: "ask a running gateway, for example http://127.0.0.1:8877",
};
export const tokenOption: Option = {
  name: "admin-token",
  kind: "text",
  placeholder: "TOKEN",
  help: "--admin-token of that gateway; needed when its admin port is bound beyond loopback",
};

/** Time for the whole answer, ms. */
const answerMs = 10_000;

export type AdminAnswer =
  | { readonly kind: "answer"; readonly text: string }
  | { readonly kind: "failed"; readonly sentence: string };

export interface AdminQuery {
  /** As written: `http://HOST:PORT`, or `HOST:PORT`. */
  readonly url: string;
  readonly token: string | null;
  /** Path with its query. */
  readonly path: string;
  /** JSON, or text for people. */
  readonly json: boolean;
}

/** One GET. A failure is one clear line. */
export function askAdmin(query: AdminQuery): Promise<AdminAnswer> {
  return send(query, null);
}

/** One POST of JSON. A failure is one clear line. */
export function tellAdmin(query: AdminQuery, body: unknown): Promise<AdminAnswer> {
  return send(query, JSON.stringify(body));
}

async function send({ url, token, path, json }: AdminQuery, body: string | null): Promise<AdminAnswer> {
  const base = /^https?:\/\//.test(url) ? url.replace(/\/+$/, "") : `http://${url}`;
  const headers: Record<string, string> = { accept: json ? "application/json" : "text/plain" };
  if (token !== null) headers["authorization"] = `Bearer ${token}`;
  if (body !== null) headers["content-type"] = "application/json";
  let response: Response;
  let text: string;
  try {
    response = await fetch(base + path, {
      ...(body === null ? {} : { method: "POST", body }),
      headers,
      signal: AbortSignal.timeout(answerMs),
    });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      kind: "failed",
      sentence: `${base} does not answer (${cause instanceof Error ? cause.message : String(cause)}): write --url with the address of the admin port`,
    };
  }
  if (response.ok) return { kind: "answer", text };
  return {
    kind: "failed",
    sentence: `${base}${path.split("?", 1)[0]} answers ${response.status}: ${sentenceOf(text)}`,
  };
}

function sentenceOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "sentence" in body && typeof body.sentence === "string")
      return body.sentence;
  } catch {
    // Not one of our answers: shown as it is.
  }
  return text.split("\n", 1)[0]!.slice(0, 200);
}
