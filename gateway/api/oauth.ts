// What `POST /api/v1/oauth/revoke` answers.
import { Type } from "./shape.ts";

export const revokedShape = Type.Object({
  revoked: Type.Integer({ description: "tokens that it revoked", minimum: 0 }),
});
