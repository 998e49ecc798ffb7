// Is a SeldonDeployment scaled to 0 on purpose? In its trimmed form as in the whole one.
import { describe, expect, test } from "vitest";
import { decodeDeployment } from "../../../../k8s/translate/deployments/decode.ts";
import { trimmedObject } from "../../../../k8s/translate/deployments/trimmed-object.ts";

const ref = { kind: "SeldonDeployment", namespace: "prod", name: "iris" };
const apiVersion = "machinelearning.seldon.io/v1";
const graph = { name: "m" };

describe("an SD is scaled to 0", () => {
  test.each([
    ["that says nothing", {}, [{ name: "main" }], false],
    ["of 0 replicas", { replicas: 0 }, [{ name: "main" }], true],
    ["of one replica", { replicas: 1 }, [{ name: "main" }], false],
    ["of 0 replicas, whose predictor has one", { replicas: 0 }, [{ name: "main", replicas: 1 }], false],
    ["whose only predictor has 0", { replicas: 2 }, [{ name: "main", replicas: 0 }], true],
    ["one of whose predictors has 0", {}, [{ name: "main", replicas: 0 }, { name: "canary" }], false],
    ["whose shadow alone runs", { replicas: 0 }, [{ name: "main" }, { name: "s", shadow: true, replicas: 1 }], true],
    ["whose pods have 0", {}, [{ name: "main", replicas: 1, componentSpecs: [{ replicas: 0 }] }], true],
    ["one of whose pods has 0", {}, [{ name: "main", componentSpecs: [{ replicas: 0 }, {}] }], false],
    ["whose pods have one", { replicas: 0 }, [{ name: "main", componentSpecs: [{ replicas: 1 }] }], false],
    ["whose pods say nothing", { replicas: 0 }, [{ name: "main", componentSpecs: [{ spec: {} }] }], true],
    ["of v1alpha1 whose pods have 0", {}, [{ name: "main", componentSpec: { replicas: 0 } }], true],
    ["of a text", { replicas: "0" }, [{ name: "main" }], false],
    ["of less than 0", { replicas: -1 }, [{ name: "main" }], false],
  ])("%s", (_, spec, predictors, expected) => {
    const object = { spec: { ...spec, predictors: predictors.map((one) => ({ graph, ...one })) } };
    for (const form of [object, trimmedObject("SeldonDeployment", object)])
      expect(decodeDeployment({ ref, apiVersion, object: form }, null).deployment?.isScaledToZero).toBe(expected);
  });
});
