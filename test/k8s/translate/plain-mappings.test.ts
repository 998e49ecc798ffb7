// What is usual of a deployment follows from its names, and is not told of each in the table (routing/arena/plain-mapping.ts).
import { expect, it } from "vitest";
import { mappingBytes } from "../../../routing/arena/route-record.ts";
import { nothingKnown, packUpstream } from "../../../routing/arena/upstream-record.ts";
import { deployment, service, translate } from "./objects.ts";

it("Mappings and Upstreams of a deployment take few bytes", () => {
  const { mappings, upstreams } = translate([
    deployment("a/model-of-someone", ["main", "canary"]),
    ...service("a/model-of-someone-main"),
    ...service("a/model-of-someone-canary"),
  ]);
  expect(mappings.size).toBe(6);
  for (const mapping of mappings.values())
    expect([mapping.id, mappingBytes(mapping) < 100]).toEqual([mapping.id, true]);
  expect(upstreams.size).toBe(4);
  for (const upstream of upstreams.values())
    expect(packUpstream({ ...nothingKnown, upstream })).toBe("[null,1,-1,[],-1,[]]");
});
