// Passwords of clients, as htpasswd writes them: `USER:HASH` a line. Hashes only: what can be read as a password is nobody's.

/** A hash of a password: of bcrypt, its whole text; of `{SHA}`, the SHA-1 in base64. */
export type PasswordHash =
  | { readonly kind: "bcrypt"; readonly text: string; readonly cost: number }
  | { readonly kind: "sha1"; readonly text: string };

/** Bounds of what is read. A bcrypt of cost 14 takes a second of a thread. */
export const passwordBounds = { users: 10_000, userCharacters: 256, mostCost: 14, leastCost: 4 } as const;

const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const sha1 = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;

/** Hashes by user. `wrong` takes a sentence about each line that cannot be used, without its hash or password; such a user cannot sign in. */
export function readPasswords(text: string, wrong: string[]): Readonly<Record<string, PasswordHash>> {
  const users: Record<string, PasswordHash> = Object.create(null) as Record<string, PasswordHash>;
  const twice = new Set<string>();
  let count = 0;
  for (const [index, written] of text.split("\n").entries()) {
    const line = written.trim();
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const user = line.slice(0, Math.max(0, colon));
    const read =
      colon < 1 || user.length > passwordBounds.userCharacters
        ? "has no user: write USER:HASH"
        : hashOf(line.slice(colon + 1));
    if (typeof read === "string") {
      wrong.push(`line ${index + 1} ${read}`);
      continue;
    }
    if (++count > passwordBounds.users) {
      wrong.push(
        `there are more than ${passwordBounds.users} users, and those after them are nobody: write several providers`,
      );
      break;
    }
    if (Object.hasOwn(users, user)) twice.add(user);
    users[user] = read;
  }
  for (const user of twice) {
    delete users[user];
    wrong.push(
      `a user is there twice, and is nobody: keep one line (the user begins with "${user.replaceAll(/[^ -~]/g, "?").slice(0, 16)}")`,
    );
  }
  return users;
}

function hashOf(text: string): PasswordHash | string {
  const [, cost] = bcrypt.exec(text) ?? [];
  if (cost !== undefined) {
    const { leastCost, mostCost } = passwordBounds;
    return Number(cost) >= leastCost && Number(cost) <= mostCost
      ? { kind: "bcrypt", text, cost: Number(cost) }
      : `has a bcrypt of cost ${cost}: write it with a cost of ${leastCost} to ${mostCost}`;
  }
  const [, digest] = sha1.exec(text) ?? [];
  return digest === undefined
    ? "has no hash that is taken here: write it by htpasswd -B (bcrypt)"
    : { kind: "sha1", text: digest };
}
