import { describe, expect, test } from "vitest";
import { checkReach } from "../../../k8s/translate/backends/reach.ts";
import { parseYaml, yamlBounds } from "../../../k8s/translate/values/yaml.ts";
import type { Upstream } from "../../../routing/model/upstream.ts";

describe("YAML of tenants", () => {
  const fill = (unit: string): string => unit.repeat(Math.floor(yamlBounds.bytes / unit.length));

  // Each of these would cost the parser tens of milliseconds; it is refused by counting, before the parser starts.
  test.each(["k: 1\n", "1,", "---\n", "[", "{", "? a\n", "- - a\n", "*a ", "x\n "])(
    "64 KiB of %j are refused without parsing",
    (unit) => {
      expect(parseYaml(`a: [${fill(unit)}`.slice(0, yamlBounds.bytes))).toEqual({
        kind: "refused",
        reason: `has more than ${yamlBounds.marks} lines and values`,
      });
    },
  );

  test.each([
    ["x".repeat(yamlBounds.bytes + 1), "has more than 64 KiB"],
    ["é".repeat(yamlBounds.bytes / 2 + 1), "has more than 64 KiB"],
    ["--- 1\n".repeat(33), "has 33 documents, more than 32"],
    ["a: &x [1]\nb: *x", "uses an alias (*name), which is not allowed here; write the value out"],
    ["a: 1\na: 2", "is not valid YAML (duplicated mapping key at line 2, column 1)"],
  ])("%.20j", (text, reason) => {
    expect(parseYaml(text)).toEqual({ kind: "refused", reason });
  });

  test("depth 16 is the limit", () => {
    expect(parseYaml(`${"[".repeat(16)}1${"]".repeat(16)}`).kind).toBe("documents");
    expect(parseYaml(`${"[".repeat(17)}1${"]".repeat(17)}`)).toEqual({
      kind: "refused",
      reason: "is nested deeper than 16",
    });
  });

  test("one long scalar is fine, and empty documents are left out", () => {
    expect(parseYaml(`a: ${"x".repeat(60_000)}`).kind).toBe("documents");
    expect(parseYaml("---\na: 1\n---\n---\nb: 2\n")).toEqual({ kind: "documents", documents: [{ a: 1 }, { b: 2 }] });
  });

  test("core schema: neither dates, nor merges, nor prototypes", () => {
    const result = parseYaml('a: 2026-01-01\nb: yes\n__proto__: {polluted: true}\n"<<": {c: 1}');
    expect(result.kind === "documents" ? JSON.stringify(result.documents) : "").toBe(
      '[{"a":"2026-01-01","b":"yes","__proto__":{"polluted":true},"<<":{"c":1}}]',
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("reach", () => {
  const upstream: Upstream = {
    key: "dns x:80 http1",
    address: { kind: "dns", host: "x", port: 80 },
    protocol: "http1",
    tls: null,
    connectTimeoutMs: 1,
    idleTimeoutMs: null,
    maxLifetimeMs: null,
    breakers: [],
    healthCheck: null,
  };
  const reason = (
    ip: string,
    source: "folder" | "cluster" = "cluster",
    forbiddenAddresses: readonly string[] = [],
  ): string | null => {
    const problem = checkReach({ source, forbiddenAddresses }, upstream, ip);
    return problem === null
      ? null
      : (/ is (?:an? )?([a-z-]+ ?[a-z]*)(?:, so| address of a cloud, so| local NAT64, so)| (belongs)/
          .exec(problem.sentence)
          ?.slice(1)
          .find(Boolean) ?? problem.sentence);
  };

  test.each([
    "10.0.0.1",
    "8.8.8.8",
    "192.168.1.1",
    "fd00::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:2::1",
    "fd00:ec2::253",
    "fd00:ec3::254",
    "fd20:ce:1::254",
    "100.100.100.199",
    "168.63.129.17",
    "192.0.0.193",
    "2002:a00:1::",
    "fb00::1",
  ])("%s may be dialled", (ip) => {
    expect(reason(ip)).toBeNull();
  });

  test.each([
    ["127.0.0.1", "loopback address"],
    ["127.9.9.9", "loopback address"],
    ["::1", "loopback address"],
    ["0:0:0:0:0:0:0:1", "loopback address"],
    ["::ffff:127.0.0.1", "loopback address"],
    ["::ffff:7f00:1", "loopback address"],
    ["::127.0.0.1", "loopback address"],
    ["64:ff9b::7f00:1", "loopback address"],
    ["2002:7f00:1::", "loopback address"],
    ["0.0.0.0", "unspecified address"],
    ["::", "unspecified address"],
    ["169.254.169.254", "link-local address"],
    ["::ffff:169.254.169.254", "link-local address"],
    ["fe80::1", "link-local address"],
    ["febf::1", "link-local address"],
    ["224.0.0.1", "multicast address"],
    ["ff02::1", "multicast address"],
    ["255.255.255.255", "reserved address"],
    ["::5", "unspecified address"],
    ["fec0::1", "site-local address"],
    ["feff::1", "site-local address"],
    ["64:ff9b:1::a00:1", "address of"],
    ["64:ff9b:1:ffff::", "address of"],
    // Where a machine gets its identity and credentials.
    ["fd00:ec2::254", "the metadata"],
    ["fd00:ec2::23", "the metadata"],
    ["fd20:ce::254", "the metadata"],
    ["fd20:00ce:0:0:0:0:0:254", "the metadata"],
    ["100.100.100.200", "the metadata"],
    ["168.63.129.16", "the metadata"],
    ["192.0.0.192", "the metadata"],
  ])("%s is refused", (ip, kind) => {
    expect(reason(ip)).toBe(kind);
  });

  test("loopback is allowed in a folder, other special addresses are not", () => {
    expect(reason("127.0.0.1", "folder")).toBeNull();
    expect(reason("::ffff:127.0.0.1", "folder")).toBeNull();
    expect(reason("169.254.169.254", "folder")).toBe("link-local address");
  });

  const forms: readonly (readonly [name: string, write: (hex: string, inverse: string, dotted: string) => string])[] = [
    ["mapped", (_hex, _inverse, dotted) => `::ffff:${dotted}`],
    ["compatible", (hex) => `::${hex}`],
    ["translated", (hex) => `::ffff:0:${hex}`],
    ["NAT64", (hex) => `64:ff9b::${hex}`],
    ["6to4", (hex) => `2002:${hex}::1`],
    ["Teredo server", (hex) => `2001:0:${hex}:0:0:f5ff:fffe`],
    ["Teredo client", (_hex, inverse) => `2001:0:a00:1:0:0:${inverse}`],
    ["ISATAP", (hex) => `2a00::5efe:${hex}`],
    ["ISATAP, public", (hex) => `2a00::200:5efe:${hex}`],
  ];

  test.each(forms)("every refused IPv4 address is refused in the form %s, an ordinary one is not", (_, write) => {
    const form = (dotted: string): string => {
      const bytes = dotted.split(".").map(Number);
      const hex = (of: readonly number[]): string =>
        [0, 2].map((at) => ((of[at]! << 8) | of[at + 1]!).toString(16)).join(":");
      return write(hex(bytes), hex(bytes.map((byte) => byte ^ 0xff)), dotted);
    };
    for (const ip of [
      "127.0.0.1",
      "0.0.0.5",
      "169.254.169.254",
      "224.0.0.1",
      "255.255.255.255",
      "100.100.100.200",
      "168.63.129.16",
      "192.0.0.192",
    ]) {
      expect([form(ip), reason(form(ip))]).toEqual([form(ip), reason(ip)]);
    }
    expect(reason(form("10.0.0.9"), "cluster", ["10.0.0.9"])).toBe("belongs");
    expect(reason(form("10.0.0.9"), "cluster", ["10.0.0.9:81"])).toBeNull();
  });

  test("an address that leads to two others is judged by the worse", () => {
    expect(reason("2001:0:7f00:1:0:0:5601:5601", "folder")).toBe("link-local address");
  });

  test.each([
    "0177.0.0.1",
    "2130706433",
    "127.1",
    "10.0.0.1 ",
    "10.0.0.256",
    "01.2.3.4",
    "fe80::1%eth0",
    "1::2::3",
    "::g",
    "",
    "x",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1.2.3",
  ])("%j is not an address", (ip) => {
    expect(checkReach({ source: "folder", forbiddenAddresses: [] }, upstream, ip)?.sentence).toContain(
      "is not an IP address",
    );
  });

  test("forbidden addresses in any spelling, whole or with a port", () => {
    expect(reason("10.0.0.9", "cluster", ["10.0.0.9"])).toBe("belongs");
    expect(reason("::ffff:10.0.0.9", "cluster", ["10.0.0.9"])).toBe("belongs");
    expect(reason("fd00:0:0::9", "cluster", ["[fd00::9]:80"])).toBe("belongs");
    expect(reason("fd00::9", "cluster", ["[fd00::9]:81"])).toBeNull();
    expect(reason("fd00::9", "cluster", ["fd00::9:80"])).toBe("belongs");
    expect(reason("10.0.0.9", "cluster", ["10.0.0.9:81"])).toBeNull();
  });
});
