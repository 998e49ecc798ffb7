// Texts that many objects have: namespaces and apiVersions.
const shared = new Map<string, string>();
const maxShared = 1024;

/** One copy for many objects. */
export function sharedText(text: string): string {
  let own = shared.get(text);
  if (own === undefined) {
    if (shared.size >= maxShared) shared.clear();
    own = ownText(text);
    shared.set(own, own);
  }
  return own;
}

/** A copy: a part of the file's text would keep the whole text alive. */
export function ownText(text: string): string {
  return Buffer.from(text).toString();
}
