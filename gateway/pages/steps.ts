// The steps of a request in their order, for ARCHITECTURE.md.
import { stepOrder } from "../steps.ts";
import type { GeneratedPart } from "./generated.ts";

export const stepsPart: GeneratedPart = {
  page: "gateway/ARCHITECTURE.md",
  name: "steps",
  text: () => stepOrder.map((name) => `\`${name}\``).join(" → "),
};
