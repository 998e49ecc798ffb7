// Who may call, as `GET /api/v1/who` lists it.
import { listShape, objectShape, problemShape } from "./problem.ts";
import { Type } from "./shape.ts";

const texts = (description: string) => Type.Array(Type.String(), { description });

const whoShape = Type.Object({
  source: objectShape,
  callers: Type.String(),
  since: Type.String({ description: "the object or the part of the policy that says so" }),
  addresses: texts("each list of addresses that holds; empty: any address may call"),
  limits: Type.String({ description: "how much may come; empty: any number of requests" }),
  paths: texts("the paths for which this holds; empty: all paths of the object"),
});

export const whoListShape = listShape(whoShape, {
  problems: Type.Array(problemShape, {
    description: "what is wrong with the policy, for a caller who sees everything",
  }),
  cleartext: texts(
    "the hosts whose requests in cleartext Sluice redirects or refuses, for a caller who sees everything",
  ),
});
