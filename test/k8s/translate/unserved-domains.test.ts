// Labels of a domain that no RateLimitService has are told, where one is there.
import { expect, test } from "vitest";
import { object, service, translate } from "./objects.ts";

const limits = object(
  "RateLimitService",
  "ops/limits",
  'spec: {service: "limits:8081", domain: models}',
  "getambassador.io/v2",
);

function told(domain: string, withService = true): readonly string[] {
  const mapping = object(
    "Mapping",
    "prod/m",
    `spec: {prefix: /m/, service: model, labels: {${domain}: [{g: [{generic_key: {value: a}}]}]}}`,
  );
  const objects = [mapping, ...service("prod/model"), ...(withService ? [limits] : [])];
  return translate(objects, { gatewayNamespace: "ops" })
    .problems.filter(({ code }) => code === "domain-not-served")
    .map(({ level, field, sentence }) => `${level} ${field}: ${sentence}`);
}

test.each(["Models", "mod-els", "MODELS."])("%s is the domain that is served, written otherwise", (domain) => {
  expect(told(domain)).toEqual([
    `error spec.labels: the RateLimitService has the domain "models", not "${domain}", so the gateway rejects every request with these labels; write "models"`,
  ]);
});

test.each(["model", "modles"])("%s is a slip of the domain that is served", (domain) => {
  expect(told(domain)).toEqual([
    `error spec.labels: no RateLimitService has the domain "${domain}", so these labels limit nothing; write "models"`,
  ]);
});

test("any other domain is warned of", () => {
  expect(told("ambassador")).toEqual([
    'warning spec.labels: no RateLimitService has the domain "ambassador", so these labels limit nothing; the one that exists has "models": write that, or remove the labels',
  ]);
});

test("nothing is said of the domain that is served, nor where there is no RateLimitService", () => {
  expect(told("models")).toEqual([]);
  expect(told("Models", false)).toEqual([]);
});
