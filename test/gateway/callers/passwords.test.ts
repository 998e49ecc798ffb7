// Passwords as htpasswd writes them: which hashes are taken, and what is said of the others.
import { describe, expect, test } from "vitest";
import { passwordBounds, readPasswords } from "../../../gateway/callers/providers/passwords.ts";

const bcrypt = (cost: string, kind = "y"): string => `$2${kind}$${cost}$${"a".repeat(53)}`;
const sha = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";

function read(text: string): { readonly users: readonly string[]; readonly wrong: readonly string[] } {
  const wrong: string[] = [];
  return { users: Object.entries(readPasswords(text, wrong)).map(([user, { kind }]) => `${user} ${kind}`), wrong };
}

test("bcrypt and {SHA} are taken, comments and empty lines are passed over", () => {
  const text = `# clients\r\n\r\na:${bcrypt("05")}\r\nb:${bcrypt("10", "a")}\nc:${bcrypt("10", "b")}\nd é:${sha}\n__proto__:${sha}`;
  expect(read(text)).toEqual({ users: ["a bcrypt", "b bcrypt", "c bcrypt", "d é sha1", "__proto__ sha1"], wrong: [] });
});

describe("a line is nobody’s", () => {
  test.each<readonly [what: string, line: string, says: string]>([
    ["with a plain password", "a:secret", "has no hash that is taken here"],
    ["with nothing", "a:", "has no hash that is taken here"],
    ["of crypt", "a:rqXexS6ZhobKA", "has no hash"],
    ["of MD5", "a:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "has no hash"],
    ["of bcrypt that is cut", `a:${bcrypt("10").slice(0, -1)}`, "has no hash"],
    ["of bcrypt of another kind", `a:${bcrypt("10", "x")}`, "has no hash"],
    ["of bcrypt that is too cheap", `a:${bcrypt("03")}`, "has a bcrypt of cost 03"],
    ["of bcrypt that is too dear", `a:${bcrypt("15")}`, "has a bcrypt of cost 15"],
    ["of {SHA} that is cut", `a:${sha.slice(0, -2)}`, "has no hash"],
    ["without a user", `:${sha}`, "has no user"],
    ["without a colon", "a", "has no user"],
    ["whose user is too long", `${"u".repeat(257)}:${sha}`, "has no user"],
  ])("%s", (_what, line, says) => {
    const { users, wrong } = read(`${line}\ngood:${sha}`);
    expect(users).toEqual(["good sha1"]);
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain(`line 1 ${says}`);
    expect(wrong[0]).not.toContain("secret");
  });
});

test("costs and lengths at their bounds are taken", () => {
  expect(read(`a:${bcrypt("04")}\nb:${bcrypt("14")}\n${"u".repeat(256)}:${sha}`).users).toHaveLength(3);
});

test("a user who is there twice is nobody", () => {
  expect(read(`a:${sha}\nb:${sha}\na:${bcrypt("10")}`)).toEqual({
    users: ["b sha1"],
    wrong: ['a user is there twice, and is nobody: keep one line (the user begins with "a")'],
  });
});

test("as many users as there may be are taken, and no more", () => {
  const lines = (count: number): string => Array.from({ length: count }, (_, index) => `u${index}:${sha}`).join("\n");
  expect(read(lines(passwordBounds.users))).toMatchObject({ users: { length: passwordBounds.users }, wrong: [] });
  expect(read(lines(passwordBounds.users + 1))).toMatchObject({
    users: { length: passwordBounds.users },
    wrong: { length: 1 },
  });
});
