// Asks the admin port of a running gateway.
import { endpoints } from "../admin/endpoints.ts";
import { command, type Command, type Outcome, type TextForm } from "../options/command.ts";
import { flag, text as textOption } from "../options/option.ts";

export const adminOptions = {
  url: textOption("ADMIN", "ask a running gateway, for example http://127.0.0.1:8877"),
  adminToken: textOption("TOKEN", "--admin-token of that gateway; needed when its admin port is bound beyond loopback"),
};

export const jsonOption = { json: flag("print JSON") };

/** Time for the whole answer, ms. */
const answerMs = 10_000;

type EndpointName = keyof typeof endpoints;

export type AdminAnswer =
  | { readonly kind: "answer"; readonly text: string }
  | { readonly kind: "failed"; readonly sentence: string };

export interface Asked {
  readonly url: string;
  readonly adminToken: string | null;
  /** JSON, or text for people. */
  readonly json: boolean;
}

/** Asks an endpoint and prints its answer. `parameters`: null, false and "" are left out of a query. */
export async function ask(
  name: EndpointName,
  parameters: Readonly<Record<string, unknown>>,
  asked: Asked,
  form: TextForm,
): Promise<Outcome> {
  const answer = await askAdmin(name, parameters, asked);
  if (answer.kind === "failed") return answer;
  return { kind: "done", text: answer.text.endsWith("\n") ? answer.text : `${answer.text}\n`, form, code: 0 };
}

/** A command that prints the answer of an endpoint without parameters. */
export function asking(name: EndpointName, text: string): Command {
  return command({
    forms: ["--url ADMIN [--json]"],
    text: `${text}\nExits 0 when it printed the answer, 1 when the gateway does not answer, 2 on wrong use.\n`,
    options: { ...adminOptions, ...jsonOption },
    words: [],
    run: async ({ values: { url, ...values }, positionals }) =>
      url === null || positionals.length > 0
        ? {
            kind: "wrong",
            sentence: "it takes a gateway: write --url with its admin port, for example http://127.0.0.1:8877",
          }
        : ask(name, {}, { ...values, url }, values.json ? "plain" : "people"),
  });
}

/** The answer of an endpoint. A failure is one clear line. */
export async function askAdmin(
  name: EndpointName,
  parameters: Readonly<Record<string, unknown>>,
  { url, adminToken, json }: Asked,
): Promise<AdminAnswer> {
  const { method, path } = endpoints[name];
  const base = /^https?:\/\//.test(url) ? url.replace(/\/+$/, "") : `http://${url}`;
  // What fails below is printed, and a password would be with it.
  if (url.includes("@"))
    return failed(
      "--url holds @, and Sluice sends no user or password: write http://HOST:PORT, and --admin-token TOKEN",
    );
  const headers = new Headers({ accept: json ? "application/json" : "text/plain" });
  if (adminToken !== null && !authorize(headers, adminToken))
    return failed("the admin token holds a line break or another character that no header holds: write it without");
  if (method === "POST") headers.set("content-type", "application/json");
  const written = Object.entries(parameters).filter(([, value]) => value !== null && value !== false && value !== "");
  const query = new URLSearchParams(written.map(([key, value]) => [key, String(value)])).toString();
  let response: Response;
  let text: string;
  try {
    response = await fetch(method === "GET" && query !== "" ? `${base}${path}?${query}` : base + path, {
      method,
      ...(method === "GET" ? {} : { body: JSON.stringify(parameters) }),
      headers,
      signal: AbortSignal.timeout(answerMs),
    });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return failed(
      `${base} does not answer (${cause instanceof Error ? cause.message : String(cause)}): write --url with the address of the admin port`,
    );
  }
  return response.ok
    ? { kind: "answer", text }
    : failed(`${base}${path} answers ${response.status}: ${sentenceOf(text)}`);
}

function failed(sentence: string): AdminAnswer {
  return { kind: "failed", sentence };
}

/** False: no header can hold the token. The error that says so repeats it. */
function authorize(headers: Headers, token: string): boolean {
  try {
    headers.set("authorization", `Bearer ${token}`);
    return true;
  } catch {
    return false;
  }
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
