// Which Host the admin port answers: a page in an operator's browser may point a name of its own at this port (DNS rebinding), and its scripts
// would read the answers. An address cannot be rebound, and neither can a name that the operator wrote down.
import { isIP } from "node:net";

/**
 * May a request with this Host field be answered? An address, `localhost` and what ends in `.localhost` (RFC 6761 §6.3), and `names`
 * (`--admin-host`), with any port. undefined: HTTP/1.0 without one, which no browser sends.
 */
export function isOwnHost(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined) return true;
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{0,5})?$/.exec(host);
  if (found === null) return false;
  if (found[1] !== undefined) return isIP(found[1]) === 6;
  const name = found[2]!.toLowerCase().replace(/\.$/, "");
  return (
    isIP(name) === 4 ||
    name === "localhost" ||
    name.endsWith(".localhost") ||
    names.some((one) => one.toLowerCase() === name)
  );
}
