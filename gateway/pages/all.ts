// Everything that "npm run pages" makes, a line each: the part of a page beside the declaration that it is made from.
import type { GeneratedFile, GeneratedPart } from "./generated.ts";
import { flagsPart } from "./failures.ts";
import { metricsPart } from "./metrics.ts";
import { stepsPart } from "./steps.ts";

export const generatedParts: readonly GeneratedPart[] = [flagsPart, metricsPart, stepsPart];

export const generatedFiles: readonly GeneratedFile[] = [];
