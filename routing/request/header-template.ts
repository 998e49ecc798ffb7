// Header values with variables, as Ambassador documents them for add_request_headers and add_response_headers: `%PROTOCOL%` and the client's
// address (Envoy's operators of these names), and `%%` for a percent sign.

/** What is known of a request. */
export interface RequestValues {
  /** Address of the client, without port: the one that proxies in front tell, where these are believed. */
  readonly address: string;
  /** Address at the other end of the connection, without port. */
  readonly peer: string;
  /** `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`. */
  readonly protocol: string;
}

export interface HeaderTemplate {
  readonly name: string;
  /** Texts and variables in turn; a plain text where there is no variable. */
  readonly pieces: string | readonly { readonly text: string; readonly value: keyof RequestValues | null }[];
}

const variables: ReadonlyMap<string, keyof RequestValues> = new Map([
  ["DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "address"],
  ["DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", "peer"],
  ["PROTOCOL", "protocol"],
]);

/** Variables that can be written, for people. */
export const knownVariables: readonly string[] = [...variables.keys()].map((name) => `%${name}%`);

/**
 * A value as a template. Null: it names a variable that is not known. `%%` is one percent sign, and so is a `%` that no second one follows
 * (`Differs:` Envoy refuses the whole configuration).
 */
export function templateOf(name: string, value: string): HeaderTemplate | null {
  if (!value.includes("%")) return { name, pieces: value };
  const pieces: { text: string; value: keyof RequestValues | null }[] = [];
  let text = "";
  let at = 0;
  for (;;) {
    const start = value.indexOf("%", at);
    const end = start < 0 ? -1 : value.indexOf("%", start + 1);
    if (end < 0) break;
    text += value.slice(at, start);
    at = end + 1;
    if (end === start + 1) {
      text += "%";
      continue;
    }
    const variable = variables.get(value.slice(start + 1, end));
    if (variable === undefined) return null;
    pieces.push({ text, value: variable });
    text = "";
  }
  text += value.slice(at);
  if (pieces.length === 0) return { name, pieces: text };
  pieces.push({ text, value: null });
  return { name, pieces };
}

/** The value for one request. */
export function fillTemplate({ pieces }: HeaderTemplate, values: RequestValues): string {
  if (typeof pieces === "string") return pieces;
  return pieces.map(({ text, value }) => (value === null ? text : text + values[value])).join("");
}
