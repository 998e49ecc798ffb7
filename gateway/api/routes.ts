// One Route, as `GET /api/v1/routes` lists it.
import type { ForwardTarget, RedirectTarget, Role } from "../../routing/model/mapping.ts";
import type { Match } from "../../routing/model/match.ts";
import { problemShape } from "./problem.ts";
import { nullable, open, Type } from "./shape.ts";

const share = (description: string) => Type.Number({ description, minimum: 0, maximum: 1 });

export const routeShape = Type.Object({
  namespace: Type.String(),
  space: nullable(Type.String({ description: "the namespace whose paths these are; null: shared space" })),
  match: open<Match>("what a request must have"),
  precedence: Type.Integer(),
  granted: Type.Boolean(),
  members: Type.Array(
    Type.Object({
      mapping: Type.String(),
      upstream: nullable(Type.String()),
      declared: share("the share as it is declared"),
      share: share("the share that it gets now, after readiness"),
      ready: Type.Boolean(),
      role: open<Role>("live or shadow"),
      target: open<ForwardTarget | RedirectTarget>("where the request goes, with all limits and rewrites"),
    }),
  ),
  shadows: Type.Array(
    Type.Object({
      mapping: Type.String(),
      upstream: Type.String(),
      fraction: share("the share of requests that it gets a copy of"),
      ready: Type.Boolean(),
    }),
  ),
  sticky: nullable(
    Type.String({
      description:
        "by what of a request its caller stays with one member, as `sluice.io/sticky` has it; null: a draw decides",
    }),
  ),
  reject: nullable(Type.String({ description: "why it answers 503" })),
  problems: Type.Array(problemShape),
});
