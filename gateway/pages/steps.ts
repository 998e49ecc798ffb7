// The steps of a request in their order, each with the reason of its place, for ARCHITECTURE.md.
import { stepOrder } from "../steps.ts";
import { table, type GeneratedPart } from "./generated.ts";

export const stepsPart: GeneratedPart = {
  page: "gateway/ARCHITECTURE.md",
  name: "steps",
  text: () =>
    table(
      ["step", "kind", "why here"],
      stepOrder.map(({ name, kind, why }) => [`\`${name}\``, kind, why]),
    ),
};
