// Asks the admin port of a running gateway.
import { endpoints } from "../admin/endpoints.ts";
import type { Endpoint } from "../admin/endpoint.ts";
import { maxItems } from "../api/parameters.ts";
import { command, type Command, type Outcome } from "../options/command.ts";
import { readNamespace, text } from "../options/option.ts";
import { askText, type Answer, type Question } from "./replicas/ask.ts";
import { askList } from "./replicas/ask-list.ts";
import { isValue, outputOption, printValue, textFormOf, type Output } from "./output.ts";
import { replicasOption, type Replica } from "./replicas/replica.ts";

/** As kubectl means it, where a gateway is asked. */
export const namespaceOption = {
  objectNamespace: {
    ...text(
      "NAMESPACE",
      "of a gateway: this namespace only; of files: the namespace of objects that name none",
      "all; the single namespace, else default",
      readNamespace,
    ),
    short: "n",
  },
};

export const gatewayOptions = {
  url: replicasOption,
  adminToken: text(
    "TOKEN",
    "token for that gateway: of --admin-token, or of a viewer; needed when its admin port is bound beyond loopback",
  ),
};

/** Of commands that ask about things of namespaces. */
export const adminOptions = { ...namespaceOption, ...gatewayOptions };

type EndpointName = keyof typeof endpoints;

/** What one replica answers: a text, or the value of its JSON. */
interface Replied {
  readonly name: string;
  readonly answer: Answer<unknown>;
}

export interface Asked {
  readonly url: readonly Replica[];
  readonly adminToken: string | null;
  readonly output: Output;
  /** Only this namespace; null: all. */
  readonly objectNamespace: string | null;
}

/** A viewer of one namespace has to name it, and NAMESPACE/NAME names it too. null: no namespace is named. */
export function namespaceAsked(objectNamespace: string | null, deployment: string | null): string | null {
  if (objectNamespace !== null || deployment === null) return objectNamespace;
  const slash = deployment.indexOf("/");
  return slash < 0 ? null : deployment.slice(0, slash);
}

/** Asks an endpoint of all replicas and prints their answers as one. `parameters`: null, false and "" are left out of a query. */
export async function ask(
  name: EndpointName,
  parameters: Readonly<Record<string, unknown>>,
  asked: Asked,
): Promise<Outcome> {
  const { output } = asked;
  const form = textFormOf(output);
  const print = (value: unknown): string =>
    isValue(output) ? printValue(value, output) : lined(value === "" ? (nothing[name] ?? "") : (value as string));
  const replies = await askAdmin(name, parameters, asked);
  const [first] = replies;
  if (first !== undefined && asked.url.length === 1 && asked.url[0]!.connect === null)
    return first.answer.kind === "failed"
      ? first.answer
      : { kind: "done", text: print(first.answer.value), form, code: 0 };
  const code = replies.some(({ answer }) => answer.kind === "failed") ? 1 : 0;
  return { kind: "done", text: isValue(output) ? print(joinedValue(replies)) : joinedText(replies, print), form, code };
}

/** Printed in place of an empty text. */
const nothing: Partial<Readonly<Record<EndpointName, string>>> = { problems: "No problems.", changes: "No changes." };

/** Answers that are equal once, others below the names of their replicas. */
function joinedText(replies: readonly Replied[], print: (value: unknown) => string): string {
  const texts = Map.groupBy(replies, ({ answer }) =>
    answer.kind === "answer" ? print(answer.value) : `${answer.sentence}\n`,
  );
  if (texts.size === 1 && replies[0]?.answer.kind === "answer") return print(replies[0].answer.value);
  return [...texts].map(([text, same]) => `== ${same.map(({ name }) => name).join(", ")}\n${text}`).join("\n");
}

function joinedValue(replies: readonly Replied[]): unknown {
  return {
    replicas: replies.map(({ name, answer }) =>
      answer.kind === "failed"
        ? { name, answer: null, sentence: answer.sentence }
        : { name, answer: answer.value, sentence: null },
    ),
  };
}

function lined(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** A command that asks a gateway was told none. */
export const withoutGateway: Outcome = {
  kind: "wrong",
  sentence: "it takes a gateway: write --url with its admin port, for example http://127.0.0.1:8877",
};

/** A command about one deployment or all was told several. */
export const tooManyDeployments: Outcome = {
  kind: "wrong",
  sentence: "it takes one deployment at most: write NAMESPACE/NAME once, or none for all",
};

/** A command about all was told something that is no option. */
export const optionsAlone: Outcome = { kind: "wrong", sentence: "it takes options alone: remove the other arguments" };

/** A command that prints the answer of an endpoint without parameters. */
export function asking(name: EndpointName, description: string): Command {
  return command({
    forms: ["--url ADMIN [-n NAMESPACE] [-o FORM]"],
    text: `${description}\nExits 0 when it printed the answer, 1 when the gateway does not answer, 2 on wrong use.\n`,
    options: { ...adminOptions, ...outputOption },
    words: [],
    run: async ({ values: { url, ...values }, positionals }) =>
      url === null ? withoutGateway : positionals.length > 0 ? optionsAlone : ask(name, {}, { ...values, url }),
  });
}

/** The answers of all replicas, in their order. A failure is one clear line. Of a list all parts are one. */
export async function askAdmin(
  name: EndpointName,
  parameters: Readonly<Record<string, unknown>>,
  { url, adminToken, output, objectNamespace }: Asked,
): Promise<readonly Replied[]> {
  const { method, path, parameters: known, answer }: Endpoint = endpoints[name];
  const shape = isValue(output) ? answer.json : null;
  const query: Readonly<Record<string, unknown>> = {
    ...(method === "GET" ? parameters : {}),
    ...("namespace" in known ? { namespace: objectNamespace } : {}),
    ...(shape !== null && "limit" in known ? { limit: maxItems } : {}),
  };
  const question = (more: string | null): Question => {
    const written = Object.entries({ ...query, continue: more }).filter(
      ([, value]) => value !== null && value !== (false as unknown) && value !== "",
    );
    const text = new URLSearchParams(written.map(([key, value]) => [key, String(value)])).toString();
    return {
      method,
      path: text === "" ? path : `${path}?${text}`,
      body: method === "GET" ? null : parameters,
      accept: shape !== null ? "application/json" : "text/plain",
      adminToken,
    };
  };
  return Promise.all(
    url.map(async (replica) => ({
      name: replica.name,
      answer: await (shape === null ? askText(replica, question(null)) : askList(replica, question, shape)),
    })),
  );
}
