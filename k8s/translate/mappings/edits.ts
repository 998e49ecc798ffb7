// Header edits of a raw Mapping: what is added to requests and answers, and what is removed from them.
import { knownVariables, templateOf } from "../../../routing/request/header-template.ts";
import type { HeaderAdd, HeaderEdits } from "../../../routing/model/mapping.ts";
import { isUntouchableHeader } from "../../../routing/text/untouchable-headers.ts";
import { visible } from "../../../routing/text/visible.ts";
import type { Fields } from "../fields/fields.ts";
import { plainTarget } from "../meaning/plain-target.ts";
import { booleanOf, fieldOf, isRecord, scalarText } from "../values/value.ts";

/** Headers that one Mapping adds to a direction, and removes from it, and bytes of them all: what every request and answer may grow by. */
const mostEdits = 64;
const mostEditBytes = 8192;

export function decodeEdits(fields: Fields, direction: "request" | "response"): HeaderEdits {
  const addKey = `add_${direction}_headers`;
  const removeKey = `remove_${direction}_headers`;
  const add: HeaderAdd[] = [];
  for (const [name, written] of Object.entries(fields.record(addKey) ?? {})) {
    const value = scalarText(isRecord(written) ? fieldOf(written, "value") : written);
    if (value === null || !isEditable(name) || visible(value.replaceAll("\t", " ")) !== value.replaceAll("\t", " ")) {
      fields.bad(addKey, name, "a header that is not about the connection, with a text of one line");
      continue;
    }
    if (templateOf(name, value) === null) {
      fields.bad(addKey, value, `a value whose variables are of ${knownVariables.join(", ")}; %% is a percent sign`);
      continue;
    }
    add.push({
      name: name.toLowerCase(),
      value,
      append: !isRecord(written) || booleanOf(fieldOf(written, "append")) !== false,
    });
  }
  const remove = fields.texts(removeKey).filter((name) => {
    if (isEditable(name)) return true;
    fields.bad(removeKey, name, "names of headers that are not about the connection");
    return false;
  });
  const edits = {
    remove: within(fields, removeKey, remove, (name) => name.length),
    add: within(fields, addKey, add, ({ name, value }) => name.length + Buffer.byteLength(value)),
  };
  return edits.add.length === 0 && edits.remove.length === 0
    ? plainTarget.requestHeaders
    : { remove: edits.remove.map((name) => name.toLowerCase()), add: edits.add };
}

function within<Edit>(
  fields: Fields,
  key: string,
  edits: readonly Edit[],
  bytesOf: (edit: Edit) => number,
): readonly Edit[] {
  let bytes = 0;
  const fitting = edits.filter((edit, index) => (bytes += bytesOf(edit)) <= mostEditBytes && index < mostEdits);
  if (fitting.length < edits.length) {
    fields.report(
      "warning",
      "over-limit",
      key,
      `only the first ${fitting.length} of its ${edits.length} headers count, because a Mapping has at most ${mostEdits} here, of ${mostEditBytes} bytes in all; write fewer or shorter ones`,
    );
  }
  return fitting;
}

function isEditable(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) && !isUntouchableHeader(name);
}
