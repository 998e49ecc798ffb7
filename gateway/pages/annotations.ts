// The annotations and fields of SeldonDeployments, for MANIFESTS.md.
import { allAnnotations } from "../../k8s/translate/fields/annotation-names.ts";
import { deploymentFields } from "../../k8s/translate/fields/deployment-fields.ts";
import { table, type GeneratedPart } from "./generated.ts";

export const annotationsPart: GeneratedPart = {
  page: "k8s/MANIFESTS.md",
  name: "annotations",
  text: () =>
    table(
      ["annotation", "example", "decides"],
      allAnnotations.map(({ name, example, decides, meaning }) => [
        `\`${name}\``,
        example === null ? "see [raw Mappings](#raw-mappings)" : `\`${name}: ${example}\``,
        `${decides}: ${meaning}`,
      ]),
    ),
};

export const deploymentFieldsPart: GeneratedPart = {
  page: "k8s/MANIFESTS.md",
  name: "fields",
  text: () =>
    table(
      ["field", "example", "decides"],
      Object.entries(deploymentFields).flatMap(([path, { example, decides, meaning }]) =>
        example === ""
          ? []
          : [[`\`${path}\``, `\`${example}\``, decides === null ? meaning : `${decides}: ${meaning}`]],
      ),
    ),
};
