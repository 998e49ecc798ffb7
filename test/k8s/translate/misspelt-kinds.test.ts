// Kinds that are misspelt: what such a document may have closed is closed, or its last good form holds.
import { describe, expect, test } from "vitest";
import { Translator } from "../../../k8s/translate/translator.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { parseManifest } from "../../../k8s/source/manifest/manifest.ts";
import { clusterSettings, faultsOf, object, service } from "./objects.ts";

const settings = { ...clusterSettings, gatewayNamespace: "ops" };
const authService = 'apiVersion: getambassador.io/v2\nkind: AuthService\nname: a\nauth_service: "auth:3000"\n';
const limitService = 'apiVersion: getambassador.io/v2\nkind: RateLimitService\nname: a\nservice: "limits:8081"\n';
const mapping = "apiVersion: getambassador.io/v2\nkind: Mapping\nname: a\nprefix: /a/\nservice: model\n";

function configured(text: string): SourceObject {
  return object("Service", "ops/s", `metadata: {annotations: {getambassador.io/config: ${JSON.stringify(text)}}}`);
}

function translator(text: string): Translator {
  const made = new Translator(settings);
  made.apply({ set: [configured(text), ...service("ops/model")], removed: [] });
  return made;
}

describe("a document whose kind is misspelt", () => {
  test.each(["AuthServic", "AuthServices", "authservice", "Auth-Service", "AuthServcie"])("%s closes", (kind) => {
    const made = translator(authService.replace("AuthService", kind));
    expect(made.current().settings.external.auth).toEqual({ kind: "closed" });
    expect(made.current().problems.map(({ code, sentence }) => `${code} ${sentence}`)).toEqual([
      expect.stringMatching(/^bad-document the AuthService "a" is not valid, and Sluice answers 500 to every request/),
      `unknown-kind "${kind}" is not a kind; write AuthService`,
    ]);
  });

  test.each(["RatelimitService", "RateLimitServices", "RateLimtService"])("%s closes", (kind) => {
    expect(translator(limitService.replace("RateLimitService", kind)).current().settings.external.rateLimit).toEqual({
      kind: "closed",
    });
  });

  test.each([
    ["Hosts", "apiVersion: getambassador.io/v2\nkind: Hosts\nname: h\nhostname: a.example\n"],
    ["TLSContexts", "apiVersion: getambassador.io/v2\nkind: TLSContexts\nname: h\nhosts: [a.example]\nsecret: s\n"],
  ])("%s: its host is closed", (_, text) => {
    const { hosts } = translator(text).current();
    expect(hosts).toHaveLength(1);
    expect(hosts[0]).toMatchObject({ hosts: ["a.example"], identity: { closed: "unreadable" } });
  });

  test("Moduel refuses what it may be about, as one that cannot be read does", () => {
    const text =
      "apiVersion: getambassador.io/v2\nkind: Moduel\nname: ambassador\nconfig: {use_remote_address: true}\n";
    expect(faultsOf(translator(text).current())).toContain("error unknown-kind");
    expect(translator(text).current().settings.front).toEqual(
      translator(text.replace("Moduel", "Module").replace("/v2", "/v9")).current().settings.front,
    );
  });

  test("keeps its last good form", () => {
    const made = translator(authService + "---\n" + mapping);
    const before = made.current().settings.external.auth;
    expect([before.kind, made.current().mappings.size]).toEqual(["service", 1]);
    const text = `${authService}---\n${mapping}`.replace("AuthService", "AuthServic").replace("Mapping", "Mappings");
    made.apply({ set: [configured(text)], removed: [] });
    expect(made.current().settings.external.auth).toEqual(before);
    expect(made.current().mappings.size).toBe(1);
    expect(faultsOf(made.current())).toEqual(["error bad-document", "error unknown-kind", "error unknown-kind"]);
  });

  test.each(["Listener", "TracingService", "LogService", "TCPMapping", "DevPortal", "RateLimit", "Filter"])(
    "%s is another kind",
    (kind) => {
      const made = translator(authService.replace("AuthService", kind));
      expect(made.current().settings.external.auth).toEqual({ kind: "none" });
      expect(faultsOf(made.current())).toEqual(["warning kind-not-served"]);
    },
  );

  test("for another gateway it does not exist", () => {
    const made = translator(`${authService.replace("AuthService", "AuthServic")}ambassador_id: other\n`);
    expect(made.current().settings.external.auth).toEqual({ kind: "none" });
    expect(made.current().problems).toEqual([]);
  });
});

describe("an object of a folder whose kind is misspelt", () => {
  const read = (text: string): readonly SourceObject[] =>
    parseManifest(Buffer.from(text), {
      file: "a.yaml",
      defaultNamespace: "ops",
      lastGood: [],
    }).objects;
  const manifest = (kind: string, apiVersion = "getambassador.io/v2"): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\nspec: {auth_service: "auth:3000"}\n`;

  test.each([
    ["AuthServic", "getambassador.io/v2"],
    ["AuthServices", "getambassador.io/v2"],
    ["AuthService", "ambassador/v2"],
    ["AuthService", "getambassador.io"],
  ])("%s of %s closes, or keeps its last good form", (kind, apiVersion) => {
    const wrong = read(manifest(kind, apiVersion));
    const fresh = new Translator(settings);
    fresh.apply({ set: wrong, removed: [] });
    expect(fresh.current().settings.external.auth).toEqual({ kind: "closed" });
    expect(fresh.current().problems.some(({ level }) => level === "error")).toBe(true);
    const running = new Translator(settings);
    running.apply({ set: read(manifest("AuthService")), removed: [] });
    const before = running.current().settings.external.auth;
    expect(before.kind).toBe("service");
    running.apply({ set: wrong, removed: [] });
    expect(running.current().settings.external.auth).toEqual(before);
  });

  test("items of a list too", () => {
    const item = '{"metadata":{"name":"a"},"spec":{"auth_service":"auth:3000"}}';
    const list = (kind: string): string =>
      `{"apiVersion":"getambassador.io/v2","kind":"${kind}List","items":[${item}]}`;
    for (const [kind, auth] of [
      ["AuthService", "service"],
      ["AuthServic", "closed"],
    ] as const) {
      const made = new Translator(settings);
      made.apply({ set: read(list(kind)), removed: [] });
      expect(made.current().settings.external.auth.kind).toBe(auth);
    }
  });
});
