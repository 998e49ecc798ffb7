// Route groups: which members (SDs, raw Mappings) of a namespace share Routes, so that a limit takes all of a Route or nothing: of half a Route the
// other half would get requests that were not meant for it.
import type { Mapping } from "../../../routing/model/mapping.ts";
import { routeKey } from "../../../routing/route/route.ts";

/** Of Mappings of a namespace that is over a limit, which are asked for it at each of its changes. */
const routeKeys = new WeakMap<Mapping, string>();

/** Members, each with one of its group in its place: the same one for all who share a Route, directly or by others. The first of a group stands for it. */
export function groupsOfMembers(mappings: Iterable<Mapping>): ReadonlyMap<string, string> {
  const above = new Map<string, string>();
  const rootOf = (member: string): string => {
    let root = member;
    while (above.get(root) !== root) root = above.get(root)!;
    // Shorter ways for who asks next.
    for (let at = member; at !== root;) {
      const next = above.get(at)!;
      above.set(at, root);
      at = next;
    }
    return root;
  };
  const order = new Map<string, number>();
  const firstOfRoute = new Map<string, string>();
  for (const mapping of mappings) {
    const { member } = mapping;
    if (!above.has(member)) {
      above.set(member, member);
      order.set(member, order.size);
    }
    const key = keyOf(mapping);
    const other = firstOfRoute.get(key);
    if (other === undefined) firstOfRoute.set(key, member);
    else {
      const [a, b] = [rootOf(other), rootOf(member)];
      if (order.get(a)! < order.get(b)!) above.set(b, a);
      else above.set(a, b);
    }
  }
  return new Map([...above.keys()].map((member) => [member, rootOf(member)]));
}

function keyOf(mapping: Mapping): string {
  const known = routeKeys.get(mapping);
  if (known !== undefined) return known;
  const key = routeKey(mapping);
  routeKeys.set(mapping, key);
  return key;
}
