// HTML out of parts: whatever is put into a template is escaped, unless it is HTML itself.

export interface Html {
  readonly text: string;
}

type Part = string | Html | readonly Html[];

// oxlint-disable no-control-regex -- these are the ones that are taken out
/** Characters that are none in HTML, beside those that mean something there. */
const meaningful = /[&<>"'\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

const named: Readonly<Record<string, string>> = {
  __proto__: null as never,
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escaped(text: string): string {
  return text.replace(meaningful, (one) => named[one] ?? "\ufffd");
}

function textOf(part: Part): string {
  if (typeof part === "string") return escaped(part);
  return "text" in part ? part.text : part.map(({ text }) => text).join("\n");
}

function template(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { text: texts.map((text, at) => text + (at < parts.length ? textOf(parts[at]!) : "")).join("") };
}

/** `trusted`: a text of ours that is HTML. */
export const html = Object.assign(template, { trusted: (text: string): Html => ({ text }) });
