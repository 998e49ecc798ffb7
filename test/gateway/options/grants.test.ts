import { describe, expect, test } from "vitest";
import { decodeGrants } from "../../../gateway/options/grants.ts";

function sentenceOf(document: unknown): string {
  const outcome = decodeGrants(document, "g.yaml");
  if (outcome.kind === "grants") throw new Error("decoded");
  return outcome.sentence;
}

describe("the Grants file", () => {
  test("what is not written is not granted", () => {
    expect(decodeGrants({ grants: [{ namespace: "prod", prefixes: ["/pay/"] }] }, "g.yaml")).toEqual({
      kind: "grants",
      grants: [
        {
          namespace: "prod",
          prefixes: ["/pay/"],
          hosts: [],
          grpcNames: [],
          upstreams: [],
          regex: false,
          precedence: false,
          open: false,
          endpointSlices: false,
          anonymous: false,
          gateway: false,
        },
      ],
    });
  });

  test.each(["regex", "precedence", "open", "endpointSlices", "anonymous", "gateway"])(
    "%s is granted where it is true",
    (name) => {
      const outcome = decodeGrants({ grants: [{ namespace: "prod", [name]: true }] }, "g.yaml");
      expect(outcome).toMatchObject({ grants: [{ [name]: true }] });
    },
  );

  test("wrong content is one line with the place and what to write", () => {
    expect(sentenceOf(null)).toMatch(/the file is not a map/);
    expect(sentenceOf({})).toMatch(/grants is missing: write "grants:"/);
    expect(sentenceOf({ grants: ["prod"] })).toMatch(/grants\[0\] is not a map/);
    expect(sentenceOf({ grants: [{ prefixes: ["/"] }] })).toMatch(
      /grants\[0\]\.namespace is missing: write "namespace: NS"/,
    );
    expect(sentenceOf({ grants: [{ namespace: "a" }, { namespace: "b", prefix: "/x" }] })).toMatch(
      /grants\[1\]\.prefix is not known here: write prefixes, or remove it/,
    );
    expect(sentenceOf({ grants: [{ namespace: "a", hosts: "x" }] })).toMatch(/grants\[0\]\.hosts is not a list/);
    expect(sentenceOf({ grants: [{ namespace: "a", regex: "yes" }] })).toMatch(
      /grants\[0\]\.regex is neither true nor false/,
    );
  });

  const lists = ["prefixes", "hosts", "grpcNames", "upstreams"];

  test.each(
    lists.flatMap(
      (name) =>
        [
          [name, []],
          [name, null],
          [name, undefined],
        ] as const,
    ),
  )("%s: %j is none of all, and stops the start", (name, value) => {
    expect(sentenceOf({ grants: [{ namespace: "a", prefixes: ["/pay/"], [name]: value }] })).toMatch(
      `grants[0].${name} is empty: write a `,
    );
  });

  test.each(
    lists.flatMap((name) =>
      [" ", "\t", "a.com ", "/x /", "\n", "\u00a0", "\u001b"].map((text) => [name, text] as const),
    ),
  )("%s: [%j] stops the start", (name, text) => {
    expect(sentenceOf({ grants: [{ namespace: "a", prefixes: ["/pay/"], [name]: [text] }] })).toMatch(
      `grants[0].${name}[0] is `,
    );
  });

  test.each(["regex", "precedence", "open", "endpointSlices", "anonymous", "gateway"])(
    "%s without a value stops the start",
    (name) => {
      expect(sentenceOf({ grants: [{ namespace: "a", [name]: null }] })).toBe(
        `the Grants file g.yaml: grants[0].${name} is empty: write a value, or remove it`,
      );
    },
  );

  test("a field one indentation out stops the start", () => {
    expect(sentenceOf({ grants: [{ namespace: "a", prefixes: ["/pay/"] }], hosts: ["a.com"] })).toMatch(
      /hosts is not known here: indent it like the other lines of its Grant/,
    );
  });

  test.each(["a", "a-1", "a".repeat(63)])("%s is a namespace", (namespace) => {
    expect(decodeGrants({ grants: [{ namespace }] }, "g.yaml").kind).toBe("grants");
  });

  test.each([" ", "a ", "A", "*", "a.b", "-a", "a".repeat(64), "\u001b[2J"])(
    "%j is no namespace, and nothing of it reaches a terminal",
    (namespace) => {
      const sentence = sentenceOf({ grants: [{ namespace }] });
      expect(sentence).toMatch(/is not (?:the name of a namespace|a text)/);
      expect(sentence).not.toMatch(/\p{Cc}/u);
    },
  );

  test.each<[string, readonly string[], readonly string[]]>([
    [
      "prefixes",
      ["/", "/x", "/x/", "/seldon/", "/seldon/a/", "/seldon/a/m", "/seldon"],
      ["", "x/", "*", " /x/", "/seldon/a"],
    ],
    ["hosts", ["*", "a.com", "*.a.com", "a.*", "[::1]", "[fd00:*"], ["", "a.com:8080", "*:8080", "a*b", "*a*", "::1"]],
    ["grpcNames", ["iris"], [""]],
    ["upstreams", ["*", "a.b", "*.a.com", "10.0.*", "fd00::1", "fd00:*"], ["", "a*b", "*.a.*b"]],
  ])("%s: what would give something else than it says stops the start", (name, good, wrong) => {
    expect(decodeGrants({ grants: [{ namespace: "a", [name]: good }] }, "g.yaml").kind).toBe("grants");
    for (const text of wrong)
      expect(sentenceOf({ grants: [{ namespace: "a", [name]: [...good, text] }] })).toMatch(
        `grants[0].${name}[${good.length}] is ${text === "" ? "not a text" : `${JSON.stringify(text)}, which `}`,
      );
  });
});
