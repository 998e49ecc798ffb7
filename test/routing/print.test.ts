import { expect, it } from "vitest";
import { decide } from "../../routing/decide.ts";
import { decisionJson, printDecision, printTable, tableJson } from "../../routing/print.ts";
import { exact, forwardTo, hostOf, is, live, mapping, match, named, prefix, regex, request, tableOf } from "./build.ts";

const iris = prefix("/seldon/ns/iris/");
const source = { kind: "SeldonDeployment", namespace: "ns", name: "iris" };
const predictor = (
  name: string,
): {
  source: typeof source;
  space: string;
  series: { namespace: string; deployment: string; predictor: string; role: "live"; protocol: "http" };
} => ({
  source,
  space: "ns",
  series: { namespace: "ns", deployment: "iris", predictor: name, role: "live", protocol: "http" },
});

const table = tableOf(
  [
    mapping("iris-main:8000", iris, { ...predictor("main"), member: "iris", role: live(null, 2 / 3) }),
    mapping("iris-canary:8000", iris, {
      ...predictor("canary"),
      member: "iris",
      role: live(null, 1 / 3),
      target: forwardTo("iris-canary:8000", { timeout: { ms: 5000, setBy: "annotation seldon.io/rest-timeout" } }),
    }),
    mapping("iris-next:8000", iris, { ...predictor("next"), role: { kind: "shadow", percent: 10 } }),
    mapping(
      "down",
      match(iris, {
        headers: [named("x-user", is("al ice")), named("x-tag", { kind: "present" })],
        host: hostOf("*.example.com"),
        method: is("GET"),
        query: [named("v", { kind: "regex", pattern: "[0-9]" })],
      }),
      { space: "ns" },
    ),
    mapping("grpc", match({ kind: "grpc" }, { headers: [named("seldon", is("iris")), named("namespace", is("ns"))] }), {
      space: "ns",
      target: forwardTo("grpc", { rewrite: { kind: "none" } }),
    }),
    mapping("a", regex("/x/.*"), { granted: true, precedence: 1, role: live(10) }),
    mapping("b", regex("/x/.*"), { granted: true, precedence: 1, role: live(30) }),
    mapping("moved", exact("/old", false), {
      target: { kind: "redirect", host: "new.example.com", code: 302, path: { kind: "path", path: "/new" } },
    }),
  ],
  ["down", "iris-next:8000"],
);

it("prints Routes in the order tried", () => {
  expect(`\n${printTable(table)}`).toMatchInlineSnapshot(`
    "
    # namespace ns

    ~ /(seldon.protos.*|tensorflow.serving.*|inference.*)/.*  seldon: iris  namespace: ns
         100%  grpc  (Mapping ns/grpc)

    ^ /seldon/ns/iris/  host *.example.com  GET  x-user: "al ice"  x-tag present  ?v=~[0-9]
           0% (declared 100%)  down -> /  (Mapping ns/down)  unready
      ! 503 no healthy upstream

    ^ /seldon/ns/iris/
     33.3333%  iris-canary:8000 -> /  [timeout 5000 ms]  (SeldonDeployment ns/iris, canary)
     66.6667%  iris-main:8000 -> /  (SeldonDeployment ns/iris, main)
      shadow 10%  iris-next:8000 -> /  (SeldonDeployment ns/iris, next)  unready

    # shared space

    ~ /x/.*  precedence 1  granted  of ns
          25%  a -> /  (Mapping ns/a)
          75%  b -> /  (Mapping ns/b)
      ! warning shares-scaled Mapping ns/a: the weights of the 2 members of this Route sum to 40, not 100: Sluice scales them (Mapping ns/a, Mapping ns/b)
      ! warning shares-scaled Mapping ns/b: the weights of the 2 members of this Route sum to 40, not 100: Sluice scales them (Mapping ns/a, Mapping ns/b)

    =i /old  of ns
         100%  redirect 302 new.example.com path /new  (Mapping ns/moved)
    "
  `);
});

it("prints Decisions", () => {
  const lines = [
    ["/seldon/ns/iris/api/v0.1/predictions?a=b", 0],
    ["/seldon/ns/iris/x", 0.99],
    ["/seldon/ns/nope/", 0],
    ["/OLD?q=1", 0],
  ].map(([path, draw]) => {
    const decision = decide(table, request(String(path)), Number(draw));
    const copies = decision.kind === "forward" ? decision.route.shadows : [];
    expect(decisionJson(decision, String(path), copies).kind).toBe(
      printDecision(decision, String(path), copies).split(" ")[0],
    );
    return printDecision(decision, String(path), copies);
  });
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    forward iris-canary:8000 /api/v0.1/predictions?a=b  (SeldonDeployment ns/iris, canary), shadow iris-next:8000 unready
    forward iris-main:8000 /x  (SeldonDeployment ns/iris, main), shadow iris-next:8000 unready
    reject no-route: no route for this host and path
    redirect 302 new.example.com/new?q=1
    "
  `);
});

it("the JSON of a table is plain values", () => {
  const json = tableJson(table);
  expect(structuredClone(json)).toEqual(json);
  expect(json.routes.map(({ members }) => members.length)).toEqual([1, 1, 2, 2, 1]);
});

it("the JSON of a Route says by what its callers stay with a member", () => {
  const sticky = { on: { kind: "header", name: "x-user" }, identity: "ns/iris" } as const;
  const of = (on: typeof sticky | null): unknown =>
    tableJson(tableOf([mapping("main", prefix("/x/"), { sticky: on })])).routes[0]!.sticky;
  expect([of(sticky), of(null)]).toEqual(["header x-user", null]);
});
