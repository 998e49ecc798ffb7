import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decodePolicyFile } from "../../../gateway/callers/policy-file.ts";
import { viewersOf, type Viewers } from "../../../gateway/callers/viewers.ts";
import type { Material } from "../../../gateway/callers/providers/material.ts";

const hash = (token: string): string => createHash("sha256").update(token).digest("hex");
const inline = (token: string): string => `token: "sha256:${hash(token)}"`;

function read(text: string, materials: Readonly<Record<string, Material>> = {}): [Viewers, readonly string[]] {
  const decoded = decodePolicyFile(text);
  if (decoded.kind === "wrong") throw new Error(decoded.sentences.join("\n"));
  const said: string[] = [];
  const viewers = viewersOf(
    decoded.value.viewers,
    (place) => materials[place.kind === "file" ? place.file : place.kind === "secret" ? place.name : ""] ?? null,
    (name, sentence) => said.push(`${name}: ${sentence}`),
  );
  return [viewers, said];
}

describe("viewers of the policy", () => {
  test("by a hash, by a Secret, by a file", () => {
    const [viewers, said] = read(
      `viewers:
  a: { namespaces: [models], ${inline("token-of-a")} }
  b: { namespaces: [models, batch], secret: sluice/b }
  c: { namespaces: [other], file: c.txt }`,
      {
        b: new Map([
          ["one", Buffer.from("token-of-one\n")],
          ["two", Buffer.from(`sha256:${hash("token-of-two").toUpperCase()}`)],
        ]),
        "c.txt": new Map([["", Buffer.from("# ours\nci token-of-c\n")]]),
      },
    );
    expect(said).toEqual([]);
    expect(viewers).toEqual(
      new Map([
        [hash("token-of-a"), new Set(["models"])],
        [hash("token-of-one"), new Set(["models", "batch"])],
        [hash("token-of-two"), new Set(["models", "batch"])],
        [hash("token-of-c"), new Set(["other"])],
      ]),
    );
  });

  // `printf "$TOKEN" | sha256sum` prints it where TOKEN is not set.
  test("the hash of no token opens nothing", () => {
    expect(decodePolicyFile(`viewers: { a: { namespaces: [models], ${inline("")} } }`)).toMatchObject({
      kind: "wrong",
      sentences: [expect.stringContaining("for a token that is not empty")],
    });
    const [viewers, said] = read("viewers: { c: { namespaces: [other], file: c.txt } }", {
      "c.txt": new Map([["", Buffer.from(`ci sha256:${hash("").toUpperCase()}\n`)]]),
    });
    expect(viewers.size).toBe(0);
    expect(said).toEqual([expect.stringContaining("the key of client ci cannot be used")]);
  });

  test("a token that two have opens nothing, and neither do tokens that are not there", () => {
    const [viewers, said] = read(`viewers:
  a: { namespaces: [models], ${inline("same-token")} }
  b: { namespaces: [batch], ${inline("same-token")} }
  c: { namespaces: [batch], secret: sluice/nothing }`);
    expect(viewers.size).toBe(0);
    expect(said).toEqual([
      "b: it has a token of a, so this token opens nothing: give each viewer its own token",
      "c: Sluice does not find its tokens, so they open nothing: create the Secret or the file that it names",
    ]);
    expect(said.join()).not.toContain("same-token");
  });

  test("a token that is too short, or none, opens nothing", () => {
    const [viewers, said] = read(`viewers: { a: { namespaces: [m], file: a } }`, {
      a: new Map([["", Buffer.from("one short\ntwo sha256:abc\nthree 8letters\n")]]),
    });
    expect([...viewers.keys()]).toEqual([hash("8letters")]);
    expect(said).toHaveLength(2);
  });

  test.each([
    ["a: {}", /viewers\.a\.namespaces is missing/],
    ["a: { namespaces: [] , file: x }", /viewers\.a\.namespaces is empty/],
    ["a: { namespaces: [A], file: x }", /viewers\.a\.namespaces\[0\] is "A", which is not the name of a namespace/],
    ['a: { namespaces: ["*"], file: x }', /not the name of a namespace/],
    ["a: { namespaces: [m] }", /needs a place of its keys: write token: sha256:HEX, secret: NAMESPACE\/NAME or file/],
    [`a: { namespaces: [m], file: x, ${inline("t")} }`, /has its tokens in two places/],
    ["a: { namespaces: [m], token: secret-token }", /token is .* which is not the hash of a token/],
    ["a: { namespace: [m], file: x }", /viewers\.a\.namespace is not known here: write namespaces/],
    ["a: { namespaces: [m], tokens: x }", /viewers\.a\.tokens is not known here: write token/],
    ["A_1: { namespaces: [m], file: x }", /is not a name for viewers/],
  ])("%s", (text, wrong) => {
    const decoded = decodePolicyFile(`viewers: { ${text} }`);
    expect(decoded.kind === "wrong" ? decoded.sentences.join("\n") : "right").toMatch(wrong);
  });

  test("a key that is nearly viewers is wrong", () => {
    expect(decodePolicyFile("viewer: {}")).toMatchObject({
      kind: "wrong",
      sentences: [expect.stringContaining("write viewers")],
    });
  });
});
