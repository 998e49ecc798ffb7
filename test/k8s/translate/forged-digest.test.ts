import { expect, test } from "vitest";
import { digestKey } from "../../../routing/collections/digest.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { forgedTexts } from "../../routing/forged-texts.ts";
import { clusterSettings, object } from "./objects.ts";

test("texts that were made to have one digest do not hide a change where the key is a secret", () => {
  const translator = new Translator(clusterSettings, digestKey({ high: 1, low: 2 }));
  const changes = forgedTexts.map((text) => {
    const { mappings } = translator.apply({
      set: [object("Mapping", "a/m", `spec: {prefix: /seldon/a/m/, service: s, host_rewrite: ${text}}`)],
      removed: [],
    });
    return mappings.length;
  });
  expect(changes).toEqual([1, 1]);
});
