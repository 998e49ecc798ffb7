// Asks the admin port of a running gateway.
import { endpoints } from "../admin/endpoints.ts";
import type { Endpoint } from "../admin/endpoint.ts";
import type { Away } from "../api/joined.ts";
import { maxItems } from "../api/parameters.ts";
import type { Outcome } from "../options/command.ts";
import { readNamespace, text } from "../options/option.ts";
import { askText, type Answer, type Question } from "./gateway/ask.ts";
import { askList } from "./gateway/ask-list.ts";
import { gatewayOption, type Gateway } from "./gateway/gateway.ts";
import { isValue, printValue, textFormOf, type Output } from "./output.ts";

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
  url: gatewayOption,
  adminToken: text(
    "TOKEN",
    "token for that gateway: of --admin-token, or of a viewer; needed when its admin port is bound beyond loopback",
  ),
};

/** Of commands that ask about things of namespaces. */
export const adminOptions = { ...namespaceOption, ...gatewayOptions };

type EndpointName = keyof typeof endpoints;

/** What is asked, and by whom. */
export interface Asking {
  readonly url: Gateway;
  readonly adminToken: string | null;
}

export interface Asked extends Asking {
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

/** A path with what is known of its query: null, false and "" are left out. */
export function pathOf(path: string, query: Readonly<Record<string, unknown>>): string {
  const written = Object.entries(query).filter(
    ([, value]) => value !== null && value !== (false as unknown) && value !== "",
  );
  const words = new URLSearchParams(written.map(([key, value]) => [key, String(value)])).toString();
  return words === "" ? path : `${path}?${words}`;
}

/** Asks an endpoint that every replica answers alike, and prints what it says. `parameters`: as of `pathOf`. */
export async function ask(
  name: EndpointName,
  parameters: Readonly<Record<string, unknown>>,
  { url, adminToken, output, objectNamespace }: Asked,
): Promise<Outcome> {
  const { method, path, parameters: known, answer }: Endpoint = endpoints[name];
  const shape = isValue(output) ? answer.json : null;
  const question = (more: string | null): Question => ({
    method,
    path: pathOf(path, {
      ...(method === "GET" ? parameters : {}),
      ...("namespace" in known ? { namespace: objectNamespace } : {}),
      ...(shape !== null && "limit" in known ? { limit: maxItems } : {}),
      continue: more,
    }),
    body: method === "GET" ? null : parameters,
    accept: shape !== null ? "application/json" : "text/plain",
    adminToken,
  });
  const said: Answer<unknown> = await (shape === null ? askText(url, question(null)) : askList(url, question, shape));
  if (said.kind === "failed") return said;
  const printed = isValue(output) ? printValue(said.value, output) : lined(said.value as string);
  return { kind: "done", text: printed, form: textFormOf(output), code: 0 };
}

/** The whole of a list that replicas join. `V`: its items, `Whole`: all that is wanted of it. */
export async function askJoined<V, Whole extends { readonly items: readonly V[] } = { readonly items: readonly V[] }>(
  name: EndpointName,
  query: Readonly<Record<string, unknown>>,
  { url, adminToken }: Asking,
): Promise<Answer<Whole & { readonly away: Away }>> {
  const { path, answer }: Endpoint = endpoints[name];
  const said = await askList(
    url,
    (more) => ({
      method: "GET",
      path: pathOf(path, { limit: maxItems, ...query, continue: more }),
      body: null,
      accept: "application/json",
      adminToken,
    }),
    answer.json!,
  );
  if (said.kind === "failed") return said;
  const value = said.value as Whole & { readonly away?: Away };
  return { ...said, value: { ...value, away: value.away ?? [] } };
}

/** A list that replicas join, printed. `value`: the list for programs; `lines`: for people. */
export function listed(
  value: unknown,
  away: Away,
  lines: readonly string[],
  output: Output,
  code: 0 | 1 = away.length === 0 ? 0 : 1,
): Outcome {
  const text = isValue(output)
    ? printValue(value, output)
    : [...awayLines(away), ...lines].map((line) => `${line}\n`).join("");
  return { kind: "done", text, form: textFormOf(output), code };
}

/** A line for each replica that is not in an answer. */
export function awayLines(away: Away): readonly string[] {
  return away.map(({ replica, sentence }) => `${replica} is not in this: ${sentence}`);
}

function lined(printed: string): string {
  return printed.endsWith("\n") ? printed : `${printed}\n`;
}
