// A text that is not YAML, at a start: what its documents would have closed is closed, as far as their kinds can be told.
import { describe, expect, test } from "vitest";
import { clusterSettings, codesOf, object, translate } from "../objects.ts";
import { Translator } from "../../../../k8s/translate/translator.ts";

const settings = { gatewayNamespace: "ops" };

function textOf(text: string, namespace = "ops"): ReturnType<typeof object> {
  return object(
    "Service",
    `${namespace}/config`,
    JSON.stringify({ metadata: { annotations: { "getambassador.io/config": text } }, spec: { ports: [{ port: 80 }] } }),
  );
}

const broken = "\nbroken: [";
const host =
  "---\napiVersion: getambassador.io/v2\nkind: Host\nname: door\nhostname: A.example\ntls: {cert_required: true}";
const context =
  "---\napiVersion: getambassador.io/v2\nkind: TLSContext\nname: ctx\nhosts:\n- a.example\n- b.example\nca_secret: ca";
const module =
  '---\napiVersion: getambassador.io/v2\nkind: Module\nname: ambassador\nconfig:\n  ip_allow:\n  - peer: "10.0.0.0/8"';
const nobody = { kind: "allow", peer: [], remote: [] };

describe("at a start", () => {
  test.each([
    ["a Host", `${host}${broken}`, ["a.example"]],
    ["a Host in flow style", `{"kind": "Host", "spec": {"hostname": "a.example"}${broken}`, ["a.example"]],
    ["a Host without hostname", "kind: Host\nname: door\nbroken: [", ["*"]],
    ["a TLSContext", `${context}${broken}`, ["a.example", "b.example"]],
    [
      "a TLSContext with a list in flow style",
      `kind: TLSContext\nhosts: [a.example, b.example]${broken}`,
      ["a.example", "b.example"],
    ],
  ])("%s has no TLS, and takes nothing in cleartext", (_what, text, hosts) => {
    const translation = translate([textOf(text)], settings);
    expect(translation.hosts).toMatchObject([{ hosts, identity: { closed: "unreadable" }, cleartext: "reject" }]);
    expect(codesOf(translation)).toEqual(["error bad-document", "error bad-yaml"]);
  });

  test("a Module refuses what it may be about", () => {
    const { front } = translate([textOf(`${module}${broken}`)], settings).settings;
    expect(front?.addresses).toEqual([nobody]);
  });

  test("each document closes its own", () => {
    const {
      hosts,
      settings: { front },
    } = translate([textOf(`${host}\n${module}\n${context}${broken}`)], settings);
    expect(hosts.map((one) => one.hosts)).toEqual([["a.example"], ["a.example", "b.example"]]);
    expect(front?.addresses).toEqual([nobody]);
  });

  test("a tenant's closes nothing", () => {
    const { hosts, problems } = translate([textOf(`${host}\n${module}${broken}`, "tenant")], settings);
    expect(hosts).toEqual([]);
    expect(problems.map(({ code }) => code)).toContain("not-granted");
  });

  test("a kind that is not written closes nothing", () => {
    const translation = translate([textOf(`name: Host${broken}`)], settings);
    expect([translation.hosts, codesOf(translation)]).toEqual([[], ["error bad-yaml"]]);
  });
});

test("in an edit the last good form holds", () => {
  const translator = new Translator({ ...clusterSettings, ...settings });
  translator.apply({ set: [textOf(module)], removed: [] });
  const before = translator.current().settings.front;
  translator.apply({ set: [textOf(`${module}${broken}`)], removed: [] });
  expect(translator.current().settings.front).toEqual(before);
  expect(before?.addresses).toEqual([{ kind: "allow", peer: ["10.0.0.0/8"], remote: [] }]);
});
