// A bug that the translation of one object meets is that object's Problem: all others go on, what it may have kept out stays out, and its stack is told once.
import { afterEach, expect, test, vi } from "vitest";
import { objectKey } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, object } from "./objects.ts";

const { bug } = vi.hoisted(() => ({ bug: { at: "" } }));

vi.mock("../../../k8s/translate/platform/host.ts", async (original) => {
  const real = await original<typeof import("../../../k8s/translate/platform/host.ts")>();
  return {
    ...real,
    decodeHost: (...given: Parameters<typeof real.decodeHost>) => {
      if (bug.at === "decode" && Object.hasOwn(given[2], "hostname")) throw new Error("a bug");
      const host = real.decodeHost(...given);
      return bug.at === "message" ? { ...host, cleartext: () => undefined } : host;
    },
    declareHost: (...given: Parameters<typeof real.declareHost>) => {
      if (bug.at === "translate" && !given[1].unreadable) throw new Error("a bug");
      return real.declareHost(...given);
    },
  };
});

vi.mock("../../../k8s/translate/deployments/mappings.ts", async (original) => {
  const real = await original<typeof import("../../../k8s/translate/deployments/mappings.ts")>();
  return {
    translateDeployment: (...given: Parameters<typeof real.translateDeployment>) => {
      if (bug.at === "deployment" && given[0].ref.name === "one") throw new Error("a bug");
      return real.translateDeployment(...given);
    },
  };
});

afterEach(() => {
  bug.at = "";
});

const deployment = (name: string) =>
  object("SeldonDeployment", `prod/${name}`, "spec: { predictors: [{ name: main, graph: { name: c } }] }");
const host = (name: string) =>
  object(
    "Host",
    `ops/${name}`,
    `spec: { hostname: ${name}.example.com, requestPolicy: { insecure: { action: Route } } }`,
    "getambassador.io/v2",
  );

function faultsOf(at: string): { translator: Translator; faulty: string[] } {
  const translator = new Translator({ ...clusterSettings, gatewayNamespace: "ops" });
  bug.at = at;
  translator.apply({ set: [host("one")], removed: [] });
  bug.at = at === "deployment" ? at : "";
  translator.apply({ set: [host("two"), deployment("one"), deployment("two")], removed: [] });
  expect(translator.drainFaults()).toEqual([expect.stringMatching(/a bug|cloned/)]);
  expect(translator.drainFaults()).toEqual([]);
  const { problems, hosts, mappings } = translator.current();
  structuredClone(hosts);
  expect(mappings.get("SeldonDeployment prod/two http main")).toBeDefined();
  expect(hosts.find(({ hosts: names }) => names?.includes("two.example.com"))?.cleartext).toBe("route");
  return {
    translator,
    faulty: problems.flatMap(({ code, subject }) =>
      code === "gateway-fault" ? [`${subject.kind} ${subject.name}`] : [],
    ),
  };
}

test.each(["decode", "message", "translate"])("in a Host, where it is to %s: it is closed, and comes back", (at) => {
  const { translator, faulty } = faultsOf(at);
  expect(faulty).toEqual(["Host one"]);
  const one = translator.current().hosts.find(({ hosts }) => hosts?.includes("one.example.com"));
  expect(one).toMatchObject({ cleartext: "reject", identity: { closed: "unreadable" } });
  translator.apply({ set: [host("one")], removed: [] });
  expect(translator.current().problems.map(({ code }) => code)).not.toContain("gateway-fault");
  expect(translator.current().hosts.map(({ cleartext }) => cleartext)).toEqual(["route", "route"]);
});

test("in a SeldonDeployment: it is not served, and goes", () => {
  const { translator, faulty } = faultsOf("deployment");
  expect(faulty).toEqual(["SeldonDeployment one"]);
  expect([...translator.current().mappings.keys()].filter((id) => id.includes("/one "))).toEqual([]);
  translator.apply({ set: [], removed: [objectKey(deployment("one").ref)] });
  expect(translator.current().problems.map(({ code }) => code)).not.toContain("gateway-fault");
});
