// What `POST /api/v1/oauth/revoke` answers.
import { Type } from "./shape.ts";

export const revokedShape = Type.Object({
  everywhere: Type.Boolean({
    description:
      "true: the tokens have ended, at the other replicas with this `--redis` within 5 s; false: they have ended at this replica, until it restarts",
  }),
});
