// Upgrades to WebSocket (RFC 9110 §7.8, RFC 6455 §4): what is asked of an upstream, and what counts as its consent.
import { kind } from "../fields/field-kind.ts";
import { holdsElement, isWord, type FieldList } from "../fields/fields.ts";

/** Both directions say it in the same words. */
export const upgradeLines = Buffer.from("connection: Upgrade\r\nupgrade: websocket\r\n");

/** Does a 101 change to WebSocket and to nothing else? */
export function confirmsUpgrade({ bytes, fields, kinds, fieldCount }: FieldList): boolean {
  let protocols = 0;
  let connection = false;
  for (let field = 0; field < fieldCount; field++) {
    const start = fields[field * 4 + 2]!;
    const end = fields[field * 4 + 3]!;
    if (kinds[field] === kind.upgrade) {
      if (!isWord(bytes, start, end, "websocket")) return false;
      protocols += 1;
    } else if (kinds[field] === kind.connection && holdsElement(bytes, start, end, "upgrade")) {
      connection = true;
    }
  }
  return connection && protocols === 1;
}
