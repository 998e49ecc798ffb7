// Requests as the access log has them, and what became of one of them.
import { accessFields, type AccessEntry } from "../shared/access-fields.ts";
import { joinedListShape, saidBy, type Away } from "./joined.ts";
import { instantMs, Type, type Shaped } from "./shape.ts";

/** One request: the fields of the access log. */
export const loggedShape = Type.Unsafe<AccessEntry>(
  Type.Object({
    ...saidBy,
    ...Object.fromEntries(
      Object.entries(accessFields).map(([field, { none, meaning: description }]) => [
        field,
        field === "atMs"
          ? instantMs(description)
          : typeof none === "number"
            ? Type.Number({ description })
            : Type.String({ description }),
      ]),
    ),
  }),
);

export const failureListShape = joinedListShape(loggedShape, {
  leftOut: Type.Integer({
    description: "failures that are not kept, because too many came in a second; for a caller who sees everything",
    minimum: 0,
  }),
});

/** A part of the list of failures. */
export interface FailureList {
  readonly items: readonly AccessEntry[];
  readonly continue: string | null;
  readonly leftOut: number;
  readonly away: Away;
}

export const requestStoryShape = Type.Object({
  request: loggedShape,
  cause: Type.String({ description: "the usual cause of such a failure" }),
  next: Type.Array(Type.String(), { description: "what to do next" }),
});

export type RequestStory = Shaped<typeof requestStoryShape>;

/** Events that a reader who is too slow did not get. */
export const droppedShape = Type.Object({ count: Type.Integer({ minimum: 1 }) });

export const flagParameter = Type.String({
  description: "only requests with this failure flag; `-`: failures without one, which the model answered itself",
  pattern: "^(?:[A-Z]{2,4}|-)$",
});
