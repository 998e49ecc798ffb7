// Records are told as differences from what is plain: whatever differs, what was written is read.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { Match } from "../../../routing/model/match.ts";
import { formOf, plainMappingOf } from "../../../routing/arena/plain-mapping.ts";
import { privateTable } from "../../../routing/private-table.ts";
import type { Upstream } from "../../../routing/model/upstream.ts";
import { change, forwardTo, is, mapping, match, named, prefix, upstreamOf } from "../build.ts";

const names = fc.constantFrom("", "m", "main", 'é "\\', "a/b c", "__proto__");
const source = fc.record({
  kind: fc.constantFrom("SeldonDeployment", "Mapping"),
  namespace: fc.constantFrom("ns", "team"),
  name: names,
});
const matches: readonly Match[] = [
  match(prefix("/seldon/ns/m/")),
  match({ kind: "grpc" }, { headers: [named("seldon", is("m")), named("namespace", is("ns"))] }),
  match({ kind: "grpc" }, { headers: [named("seldon", is("m"))] }),
  match(prefix("/x/")),
];

/** A plain Mapping of whatever object, with some fields of another: often as it would be, and never quite. */
const anyLike: fc.Arbitrary<Mapping> = fc
  .record({
    source,
    predictor: names,
    form: fc.constantFrom("http", "grpc", "grpc-bare"),
    odd: fc.constantFrom("", "id", "member", "upstream", "series", "role", "redirect", "source"),
    other: source,
  })
  .map(({ source: of, predictor, form, odd, other }): Mapping => {
    const plain = plainMappingOf(of, form, predictor);
    switch (odd) {
      case "id":
      case "member":
        return { ...plain, [odd]: `odd ${other.name}` };
      case "upstream":
        return { ...plain, target: forwardTo(`odd ${other.name}`) };
      case "series":
        return { ...plain, series: { ...plain.series, deployment: other.name, role: "shadow" } };
      case "role":
        return { ...plain, role: { kind: "shadow", percent: 3 } };
      case "redirect":
        return { ...plain, target: { kind: "redirect", host: "h", code: 301, path: { kind: "keep" } } };
      case "source":
        return { ...plain, source: other };
      default:
        return plain;
    }
  });

it("Mappings of one Route are read as they were written, however much each is like the one before", () => {
  fc.assert(
    fc.property(
      fc.array(anyLike, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...matches),
      fc.constantFrom(null, "ns"),
      (likes, of, space) => {
        const all = likes.map((like, index) => ({
          ...like,
          id: index === 0 ? like.id : `${like.id}${index % 2 === 0 ? index : ""}`,
          namespace: "ns",
          space,
          granted: false,
          precedence: 0,
          match: of,
        }));
        const mappings = [...new Map(all.map((one) => [one.id, one])).values()];
        const read = privateTable(change(mappings), () => null)
          .routesInOrder()
          .flatMap((route) => route.mappings);
        const byId = (a: Mapping, b: Mapping): number => (a.id < b.id ? -1 : 1);
        expect(read.toSorted(byId)).toEqual(mappings.toSorted(byId));
      },
    ),
    { numRuns: 500 },
  );
});

it("a Mapping is told by the form that it is most like", () => {
  expect(matches.flatMap((of) => [null, "ns"].map((space) => formOf(mapping("m", of, { space }))))).toEqual([
    "http",
    "http",
    "grpc-bare",
    "grpc",
    "grpc-bare",
    "grpc",
    "http",
    "http",
  ]);
});

it("an Upstream is read as it was written, whatever its key says", () => {
  const keys = fc.constantFrom(
    "service ns/m:8000 http1",
    "service ns/m:5001 http2",
    "service ns/m:08000 http1",
    "service ns/m:99999 http1",
    "service /:1 http2",
    "service ns/a/b:1 http1",
    "service ns/m:1 http1 tls x",
    "address 10.0.0.1:1 http1",
    "é",
  );
  const addresses = fc.constantFrom<Upstream["address"]>(
    { kind: "service", namespace: "ns", name: "m", port: 8000 },
    { kind: "service", namespace: "ns", name: "m", port: 5001 },
    { kind: "dns", host: "h", port: 1 },
    { kind: "address", ip: "10.0.0.1", port: 1 },
  );
  fc.assert(
    fc.property(
      keys,
      addresses,
      fc.constantFrom("http1", "http2"),
      fc.constantFrom(3000, 5),
      (key, address, protocol, connectTimeoutMs) => {
        const upstream: Upstream = { ...upstreamOf(key), address, protocol, connectTimeoutMs };
        expect(
          privateTable(change([], { upstreams: [{ upstream, breakerSlot: 7 }] }), () => null).upstream(key),
        ).toMatchObject({ upstream, breakerSlot: 7 });
      },
    ),
  );
});
