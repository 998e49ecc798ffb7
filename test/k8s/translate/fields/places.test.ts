// What stands where nobody reads it: one indentation out, in or beside, misspelt, or in a container that is.
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { Places } from "../../../../k8s/translate/fields/places.ts";
import { anyTexts, fieldNames, keysOf, objectShape, values } from "../../../../k8s/translate/fields/shape.ts";
import type { UnknownRecord } from "../../../../k8s/translate/values/value.ts";

const places = new Places(
  objectShape(
    keysOf(
      {
        ...values("method", "weight", "timeout"),
        cors: keysOf(values("origins", "methods")),
        added: fieldNames,
        selector: anyTexts,
        hosts: { each: keysOf(values("hostname", "note"), { hostname: "which" }) },
        tls: keysOf(values("required"), { required: "where" }),
      },
      { method: "which", weight: "share", timeout: "how" },
    ),
    { "sluice.io/auth": "which", "sluice.io/note": "how" },
  ),
);

function found(text: string): readonly string[] {
  return places
    .misplacedIn(load(text) as UnknownRecord)
    .map(({ field, decides, write }) => `${decides ? "decides" : "ignored"} ${field}: ${write}`);
}

describe("decides", () => {
  test.each([
    ["{method: GET}", "method: write spec.method"],
    ["{metadata: {method: GET}}", "metadata.method: write spec.method"],
    ["{spec: {metod: GET}}", "spec.metod: write spec.method"],
    ["{spec: {spec: {method: GET}}}", "spec.spec.method: write spec.method"],
    ["{Spec: {method: GET}}", "Spec.method: write spec.method"],
    ["{specs: {Method: GET}}", "specs.Method: write spec.method"],
    ["{spec: {cors: {weight: 1}}}", "spec.cors.weight: write spec.weight"],
    ['{spec: {added: {weight: "1"}}}', 'spec.added["weight"]: write spec.weight'],
    ["{spec: {selector: {weight: 1}}}", 'spec.selector["weight"]: write spec.weight'],
    ["{spec: {host: [{hostname: a}]}}", "spec.host[0].hostname: write spec.hosts[].hostname"],
    ["{spec: {hostname: a}}", "spec.hostname: write spec.hosts[].hostname"],
    ["{spec: {hosts: {hostname: a}}}", "spec.hosts: write a list"],
    ["{spec: {tls: yes please}}", "spec.tls: write a map"],
    ["{spec: {TLS: yes please}}", "spec.TLS: write spec.tls"],
    ["{tls: {required: true}}", "tls.required: write spec.tls.required"],
    ["{annotations: {sluice.io/auth: a}}", 'annotations["sluice.io/auth"]: write it in metadata.annotations'],
    [
      "{metadata: {annotation: {sluice.io/atuh: a}}}",
      'metadata.annotation["sluice.io/atuh"]: write it in metadata.annotations',
    ],
    ["{metadata: {sluice.io/auth: a}}", "metadata.sluice.io/auth: write it in metadata.annotations"],
    [
      "{metadata: {labels: {sluice.io/auth: a}}}",
      'metadata.labels["sluice.io/auth"]: write it in metadata.annotations',
    ],
    [
      "{metadata: {annotations: {annotations: {sluice.io/auth: a}}}}",
      'metadata.annotations["annotations"]: write a text, and no indentation below annotations that is one too deep',
    ],
    [
      "{metadata: {annotations: {x.io/y: [a]}}}",
      'metadata.annotations["x.io/y"]: write a text, and no indentation below annotations that is one too deep',
    ],
    [
      "{metadata: {annotations: {sluice.io/auht: a}}}",
      'metadata.annotations["sluice.io/auht"]: write sluice.io/auth, or remove it',
    ],
    ["{metadata: {annotations: [sluice.io/auth]}}", "metadata.annotations: write a map"],
    [
      "{metadata: {something: {else: {sluice.io/auth: a}}}}",
      'metadata.something.else["sluice.io/auth"]: write it in metadata.annotations',
    ],
    ["{something: {method: GET}}", "something.method: write spec.method"],
  ])("%s", (text, said) => {
    expect(found(text)).toEqual([`decides ${said}`]);
  });

  test("more keys than anybody compares are not understood", () => {
    const keys = (count: number): string =>
      JSON.stringify({
        spec: Object.fromEntries(Array.from({ length: count }, (_, index) => [`unheard-of-${index}`, 1])),
      });
    expect(found(keys(127)).some((line) => line.startsWith("decides"))).toBe(false);
    expect(found(keys(128)).some((line) => line.startsWith("decides"))).toBe(false);
    expect(found(keys(129))[0]).toContain("decides spec.unheard-of-128");
  });
});

describe("decides nothing", () => {
  test.each([
    ["{metadata: {label: {team: a}}}", ["ignored metadata.label: write labels, or remove it"]],
    ["{metadata: {annotation: {team: a}}}", ["ignored metadata.annotation: write annotations, or remove it"]],
    ["{spec: {timout: 1}}", ["ignored spec.timout: write timeout, or remove it"]],
    ["{timeout: 1}", ["ignored timeout: write spec.timeout"]],
    ["{spec: {unheard: 1}}", ["ignored spec.unheard: correct its indentation or remove it"]],
    // It is written where it is read.
    ["{method: GET, spec: {method: GET}}", ["ignored method: write spec.method"]],
    // Whoever chooses the names of labels may choose any.
    ["{metadata: {labels: {weight: heavy, method: GET}}, spec: {selector: {weight: heavy}, added: {team: a}}}", []],
    [
      '{metadata: {annotations: {prometheus.io/scrape: "true", sidecar.istio.io/inject: "false", method: GET, sluice.io/note: a, sluice.io/not: b, example.com/auth: x}}}',
      [],
    ],
    ["{metadata: {annotations: null}, spec: null}", []],
  ])("%s", (text, said) => {
    expect(found(text)).toEqual(said);
  });
});
