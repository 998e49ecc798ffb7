// Asks the admin port of a running gateway.
import { endpoints } from "../admin/endpoints.ts";
import { command, type Command, type Outcome, type TextForm } from "../options/command.ts";
import { flag, text as textOption } from "../options/option.ts";
import { askText, type Answer } from "./replicas/ask.ts";
import { replicasOption, type Replica } from "./replicas/replica.ts";

export const adminOptions = {
  url: replicasOption,
  adminToken: textOption("TOKEN", "--admin-token of that gateway; needed when its admin port is bound beyond loopback"),
};

export const jsonOption = { json: flag("print JSON") };

type EndpointName = keyof typeof endpoints;

/** What one replica answers. */
interface Replied {
  readonly name: string;
  readonly answer: Answer<string>;
}

export interface Asked {
  readonly url: readonly Replica[];
  readonly adminToken: string | null;
  /** JSON, or text for people. */
  readonly json: boolean;
}

/** Asks an endpoint of all replicas and prints their answers as one. `parameters`: null, false and "" are left out of a query. */
export async function ask(
  name: EndpointName,
  parameters: Readonly<Record<string, unknown>>,
  asked: Asked,
  form: TextForm,
): Promise<Outcome> {
  const replies = await askAdmin(name, parameters, asked);
  const [first] = replies;
  if (first !== undefined && asked.url.length === 1 && asked.url[0]!.connect === null)
    return first.answer.kind === "failed"
      ? first.answer
      : { kind: "done", text: lined(first.answer.value), form, code: 0 };
  const code = replies.some(({ answer }) => answer.kind === "failed") ? 1 : 0;
  return { kind: "done", text: asked.json ? joinedJson(replies) : joinedText(replies), form, code };
}

/** Answers that are equal once, others below the names of their replicas. */
function joinedText(replies: readonly Replied[]): string {
  const texts = Map.groupBy(replies, ({ answer }) =>
    answer.kind === "answer" ? lined(answer.value) : `${answer.sentence}\n`,
  );
  if (texts.size === 1 && replies[0]?.answer.kind === "answer") return lined(replies[0].answer.value);
  return [...texts].map(([text, same]) => `== ${same.map(({ name }) => name).join(", ")}\n${text}`).join("\n");
}

/** What is no JSON is said as a sentence. */
function joinedJson(replies: readonly Replied[]): string {
  const replicas = replies.map(({ name, answer }) => {
    if (answer.kind === "failed") return { name, answer: null, sentence: answer.sentence };
    try {
      return { name, answer: JSON.parse(answer.value) as unknown, sentence: null };
    } catch {
      return { name, answer: null, sentence: `${name} answers no JSON, so it is no admin port of Sluice` };
    }
  });
  return `${JSON.stringify({ replicas }, null, 2)}\n`;
}

function lined(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
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

/** The answers of all replicas, in their order. A failure is one clear line. */
export async function askAdmin(
  name: EndpointName,
  parameters: Readonly<Record<string, unknown>>,
  { url, adminToken, json }: Asked,
): Promise<readonly Replied[]> {
  const { method, path } = endpoints[name];
  const written = Object.entries(parameters).filter(([, value]) => value !== null && value !== false && value !== "");
  const query = new URLSearchParams(written.map(([key, value]) => [key, String(value)])).toString();
  const question = {
    method,
    path: method === "GET" && query !== "" ? `${path}?${query}` : path,
    body: method === "GET" ? null : parameters,
    accept: json ? "application/json" : "text/plain",
    adminToken,
  } as const;
  return Promise.all(url.map(async (replica) => ({ name: replica.name, answer: await askText(replica, question) })));
}
