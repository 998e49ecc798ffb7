// Parameters that several endpoints have. The description of each is what the pages print.
import { Type } from "./shape.ts";

/** Items of one answer where the client does not say how many. */
export const usualItems = 500;
export const maxItems = 10_000;
/** Characters of a `continue`. */
export const maxCursorLength = 2048;

export const namespaceParameter = Type.String({
  description: "only this namespace. A caller who may see some namespaces only has to name one of them",
  pattern: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
  maxLength: 63,
});

export const deploymentParameter = Type.String({
  description: "`NAMESPACE/NAME` or `NAME`: only this deployment",
});

export const wideParameter = Type.Boolean({ description: "`true`: the text of `-o wide`" });

export const listParameters = {
  namespace: namespaceParameter,
  limit: Type.Integer({ description: "items of one answer", minimum: 1, maximum: maxItems, default: usualItems }),
  continue: Type.String({
    description: "`continue` of the answer before this one: the items after it",
    maxLength: maxCursorLength,
  }),
};
