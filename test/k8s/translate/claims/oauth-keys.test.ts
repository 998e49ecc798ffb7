import { describe, expect, test } from "vitest";
import { decodeOAuthKey, keptSecret } from "../../../../k8s/translate/model/oauth-key.ts";
import { trimmedObject } from "../../../../k8s/translate/deployments/trimmed-object.ts";
import type { TranslateSettings } from "../../../../k8s/translate/model/translation.ts";
import { Translator } from "../../../../k8s/translate/translator.ts";
import type { SourceObject } from "../../../../k8s/translate/model/object.ts";
import { clusterSettings } from "../objects.ts";

const ref = { kind: "SeldonDeployment", namespace: "prod", name: "iris" } as const;

function deployment(
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>>,
  annotations: Readonly<Record<string, string>> = {},
): SourceObject {
  const object = {
    metadata: { name, namespace, annotations },
    spec: { predictors: [{ name: "default", graph: { name: "m" } }], ...spec },
  };
  return {
    ref: { kind: "SeldonDeployment", namespace, name },
    apiVersion: "machinelearning.seldon.io/v1alpha2",
    object,
  } as unknown as SourceObject;
}

const keyed = (namespace: string, name: string, key: string, secret = "secret"): SourceObject =>
  deployment(namespace, name, { oauth_key: key, oauth_secret: secret });

interface Told {
  readonly set: readonly string[];
  readonly removed: number;
}

class Clients {
  readonly #translator: Translator;
  readonly all = new Map<string, { readonly deployment: string; readonly names: number }>();

  constructor(settings: Partial<TranslateSettings> = {}) {
    this.#translator = new Translator({ ...clusterSettings, oauth: true, ...settings });
  }

  apply(set: readonly SourceObject[], removed: readonly string[] = []): Told {
    this.#translator.apply({ set, removed });
    const change = this.#translator.drainOAuth();
    for (const id of change.removed) this.all.delete(id);
    for (const { id, namespace, deployment: name, names } of change.set)
      this.all.set(id, { deployment: `${namespace}/${name}`, names: names.length });
    return {
      set: change.set.map(({ namespace, deployment: name, names }) => `${namespace}/${name} ${names.length}`),
      removed: change.removed.length,
    };
  }

  get now(): readonly string[] {
    return [...this.all.values()].map(({ deployment: name, names }) => `${name} ${names}`).toSorted();
  }

  get problems(): readonly string[] {
    return this.#translator
      .current()
      .problems.filter(({ code }) => code.includes("oauth"))
      .map(({ code, level, subject }) => `${level} ${code} ${subject.namespace}/${subject.name}`);
  }

  has(namespace: string, name: string): boolean {
    return this.#translator.hasOAuthClient(namespace, name);
  }
}

describe("keys and secrets", () => {
  test.each([
    ["a".repeat(256), "key"],
    ["a".repeat(257), "bad"],
    ["ä".repeat(128), "key"],
    ["ä".repeat(129), "bad"],
    ["a:b", "bad"],
    ["a\nb", "bad"],
    [7, "bad"],
    [{}, "bad"],
    ["", null],
    [null, null],
    [undefined, null],
  ])("oauth_key %s", (key, kind) => {
    expect(decodeOAuthKey(ref, { oauth_key: key, oauth_secret: "s" })?.kind ?? null).toBe(kind);
  });

  test.each([
    ["s", "key"],
    ["s".repeat(1024), "key"],
    ["s".repeat(1025), "bad"],
    ["", "bad"],
    [undefined, "bad"],
    [7, "bad"],
    ["a\u0000b", "bad"],
    [{ digest: "x" }, "bad"],
    [{ digest: "0".repeat(63) }, "bad"],
    [{ digest: "0".repeat(64) }, "key"],
  ])("oauth_secret %s", (secret, kind) => {
    expect(decodeOAuthKey(ref, { oauth_key: "k", oauth_secret: secret })?.kind).toBe(kind);
  });

  test("no sentence repeats them", () => {
    for (const spec of [
      { oauth_key: "key:key", oauth_secret: "s" },
      { oauth_key: "k", oauth_secret: "hunter2\n" },
    ])
      expect(JSON.stringify(decodeOAuthKey(ref, spec))).not.toMatch(/key:key|hunter2/);
  });

  test("of an object that a Source keeps, the secret is a digest, which decodes the same", () => {
    const spec = { oauth_key: "iris-key", oauth_secret: "hunter2", predictors: [] };
    const kept = trimmedObject("SeldonDeployment", { metadata: {}, spec });
    expect(JSON.stringify(kept)).not.toContain("hunter2");
    expect(decodeOAuthKey(ref, kept["spec"] as Readonly<Record<string, unknown>>)).toEqual(decodeOAuthKey(ref, spec));
    // What nobody can have stays what it is, so that it can be told.
    for (const secret of ["", 7, { digest: "x" }, "a\nb"]) expect(keptSecret({ oauth_secret: secret })).toEqual({});
  });

  test("clients differ by SeldonDeployment, key and secret, and by nothing else", () => {
    const idOf = (namespace: string, name: string, key: string, secret: string): string => {
      const decoded = decodeOAuthKey(
        { kind: "SeldonDeployment", namespace, name },
        { oauth_key: key, oauth_secret: secret },
      );
      return decoded?.kind === "key" ? decoded.id : "";
    };
    const ids = [
      idOf("a", "b", "c", "d"),
      idOf("ab", "", "c", "d"),
      idOf("a", "bc", "", "d"),
      idOf("a", "b", "cd", ""),
      idOf("x", "b", "c", "d"),
      idOf("a", "x", "c", "d"),
      idOf("a", "b", "x", "d"),
      idOf("a", "b", "c", "x"),
    ].filter((id) => id !== "");
    expect(new Set(ids).size).toBe(ids.length);
    expect(idOf("a", "b", "c", "d")).toBe(ids[0]);
  });
});

describe("clients", () => {
  test("come, change and go with their SeldonDeployments, and only what differs is told", () => {
    const clients = new Clients();
    expect(clients.apply([keyed("prod", "iris", "k"), deployment("prod", "plain", {})])).toEqual({
      set: ["prod/iris 2"],
      removed: 0,
    });
    const [before] = clients.all.keys();
    expect([clients.has("prod", "iris"), clients.has("prod", "plain")]).toEqual([true, false]);
    expect(clients.apply([keyed("prod", "iris", "k")])).toEqual({ set: [], removed: 0 });
    expect(clients.apply([keyed("prod", "iris", "k", "another")])).toEqual({ set: ["prod/iris 2"], removed: 1 });
    expect([...clients.all.keys()]).not.toContain(before);
    expect(clients.apply([deployment("prod", "iris", {})])).toEqual({ set: [], removed: 1 });
    clients.apply([keyed("prod", "iris", "k")]);
    expect(clients.apply([], ["SeldonDeployment prod/iris"])).toEqual({ set: [], removed: 1 });
    expect([clients.now, clients.has("prod", "iris")]).toEqual([[], false]);
  });

  test("one key in one namespace is nobody's until one of them has another", () => {
    const clients = new Clients();
    clients.apply([keyed("prod", "a", "k", "1")]);
    expect(clients.apply([keyed("prod", "b", "k", "2")])).toEqual({ set: [], removed: 1 });
    expect([clients.now, clients.problems]).toEqual([
      [],
      ["error oauth-key-contested prod/a", "error oauth-key-contested prod/b"],
    ]);
    expect(clients.apply([keyed("prod", "b", "other", "2")]).set.toSorted()).toEqual(["prod/a 2", "prod/b 2"]);
    expect(clients.problems).toEqual([]);
  });

  test("one key in two namespaces: the secret tells, alone and with the namespace behind it", () => {
    const clients = new Clients();
    clients.apply([keyed("prod", "a", "k"), keyed("test", "a", "k")]);
    expect([clients.now, clients.problems]).toEqual([
      ["prod/a 2", "test/a 2"],
      ["warning oauth-key-contested prod/a", "warning oauth-key-contested test/a"],
    ]);
    expect(clients.apply([], ["SeldonDeployment test/a"])).toEqual({ set: [], removed: 1 });
    expect(clients.problems).toEqual([]);
  });

  test.each([
    [{ bareNames: "off" as const }, 1],
    [{ bareNames: "off" as const, namespaces: ["prod"] }, 2],
    [{ bareNames: "off" as const, namespaces: ["prod"], singleNamespace: "prod" }, 2],
    [{ bareNames: "on" as const }, 2],
  ])("the key alone with %j: %i names", (settings, names) => {
    const clients = new Clients(settings);
    clients.apply([keyed("prod", "iris", "k")]);
    expect(clients.now).toEqual([`prod/iris ${names}`]);
    expect(clients.problems).toEqual([]);
  });

  test("of what has no path of its own, of another gateway, and of what is being deleted there are none", () => {
    const clients = new Clients();
    const spec = { oauth_key: "k", oauth_secret: "s" };
    clients.apply([
      deployment("prod", "canary", spec, { "seldon.io/ambassador-service-name": "iris" }),
      deployment(
        "prod",
        "own",
        { ...spec, oauth_key: "k2" },
        {
          "seldon.io/ambassador-config":
            "apiVersion: ambassador/v1\nkind: Mapping\nname: own\nprefix: /own/\nservice: own\n",
        },
      ),
      deployment("prod", "theirs", { ...spec, oauth_key: "k3" }, { "seldon.io/ambassador-id": "other" }),
    ]);
    expect([clients.now, clients.problems]).toEqual([
      [],
      ["warning oauth-no-path prod/canary", "warning oauth-no-path prod/own"],
    ]);
    const iris = keyed("prod", "iris", "k4");
    clients.apply([iris]);
    const deleting = {
      ...iris,
      object: {
        ...(iris.object as object),
        metadata: { name: "iris", namespace: "prod", deletionTimestamp: "2026-01-01T00:00:00Z" },
      },
    };
    expect(clients.apply([deleting as unknown as SourceObject])).toEqual({ set: [], removed: 1 });
  });

  test("without --oauth there are neither clients nor Problems", () => {
    const clients = new Clients({ oauth: false });
    expect(clients.apply([keyed("prod", "a", "k"), keyed("prod", "b", "k"), keyed("prod", "c", "x:y")])).toEqual({
      set: [],
      removed: 0,
    });
    expect(clients.problems).toEqual([]);
  });
});
