// The list of routes as people read it: what a data scientist and an ops team see of each shape of deployment.
import { describe, expect, test } from "vitest";
import { printRouteList } from "../../../gateway/explain/route-list.ts";
import { build } from "../../../gateway/tools/manifests.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import type { TranslateSettings } from "../../../k8s/translate/model/translation.ts";
import { clusterSettings, deployment, noGrant, object, service, translate } from "../../k8s/translate/objects.ts";

function listed(objects: readonly SourceObject[], settings: Partial<TranslateSettings> = {}): string {
  const translation = translate(objects, { ...clusterSettings, ...settings });
  return `\n${printRouteList(build(translation, []).table, translation.upstreams, ({ kind, name }) => (kind === "SeldonDeployment" && name === "iris" ? "iris.yaml:3" : ""))}`;
}

const shadows =
  "{ spec: { predictors: [{ name: main, graph: { name: c } }, { name: next, shadow: true, graph: { name: c } }, { name: later, shadow: true, traffic: 10, graph: { name: c } }] } }";

describe("a block", () => {
  test("of paths that one object declares is one", () => {
    const mappings = ["asked", "open"]
      .map(
        (name) =>
          `---\napiVersion: getambassador.io/v1\nkind: Mapping\nname: ${name}\nprefix: /${name}/\nservice: two\n`,
      )
      .join("");
    const text = listed([
      object(
        "Service",
        "prod/two",
        `{ metadata: { annotations: { getambassador.io/config: ${JSON.stringify(mappings)} } }, spec: { ports: [{ port: 80 }] } }`,
      ),
    ]);
    expect(text.match(/^prod\/two$/gm)).toHaveLength(1);
    expect(
      text.split("\n").flatMap((line) => /path {2}(\S+)| (asked|open) |of Mappings/.exec(line)?.[0].trim() ?? []),
    ).toEqual(["path  /asked/…", "asked", "path  /open/…", "open", "of Mappings"]);
  });

  test("of a canary has REST and gRPC together, both shares, and where it was declared", () => {
    expect(
      listed([
        deployment("prod/iris", ["main:75", "canary:25"]),
        ...service("prod/iris-main"),
        ...service("prod/iris-canary"),
      ]),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO                      DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
            75%       75%  yes    main       iris-main:8000, gRPC 5001    SeldonDeployment iris (iris.yaml:3)
            25%       25%  yes    canary     iris-canary:8000, gRPC 5001  SeldonDeployment iris (iris.yaml:3)

      1 deployment
      "
    `);
  });

  test("of a canary whose second predictor is not ready shows declared beside actual", () => {
    expect(
      listed([
        deployment("prod/iris", ["main:75", "canary:25"]),
        ...service("prod/iris-main"),
        ...service("prod/iris-canary", []),
      ]),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO                      DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
           100%       75%  yes    main       iris-main:8000, gRPC 5001    SeldonDeployment iris (iris.yaml:3)
             0%       25%  no     canary     iris-canary:8000, gRPC 5001  SeldonDeployment iris (iris.yaml:3)

      1 deployment
      "
    `);
  });

  test("of a canary of two deployments names both", () => {
    expect(
      listed([
        deployment("prod/iris"),
        deployment("prod/next", ["main"], {
          "seldon.io/ambassador-service-name": "iris",
          "seldon.io/ambassador-weight": "20",
        }),
        ...service("prod/iris-main"),
        ...service("prod/next-main"),
      ]),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO                    DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
            80%       80%  yes    main       iris-main:8000, gRPC 5001  SeldonDeployment iris (iris.yaml:3)
            20%       20%  yes    main       next-main:8000, gRPC 5001  SeldonDeployment next

      1 deployment
      "
    `);
  });

  test("has its shadows under the split, with how much is copied", () => {
    expect(
      listed([
        object("SeldonDeployment", "prod/iris", shadows),
        ...service("prod/iris-main"),
        ...service("prod/iris-next"),
        ...service("prod/iris-later", []),
      ]),
    ).toMatchInlineSnapshot(`
      "
              SHARE  DECLARED  READY  PREDICTOR  GOES TO                     DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
               100%      100%  yes    main       iris-main:8000, gRPC 5001   SeldonDeployment iris (iris.yaml:3)
          copy 100%            yes    next       iris-next:8000, gRPC 5001   SeldonDeployment iris (iris.yaml:3)
           copy 10%            no     later      iris-later:8000, gRPC 5001  SeldonDeployment iris (iris.yaml:3)

      1 deployment
      "
    `);
  });

  test("has header Routes under it, each with what it asks", () => {
    const of = (name: string, header: Record<string, string>): SourceObject =>
      deployment(`prod/${name}`, ["main"], { "seldon.io/ambassador-service-name": "iris", ...header });
    expect(
      listed([
        deployment("prod/iris"),
        of("london", { "seldon.io/ambassador-header": "location: london" }),
        of("mobile", { "seldon.io/ambassador-regex-header": "user-agent: .*Mobile.*" }),
        ...service("prod/iris-main"),
        ...service("prod/london-main"),
        ...service("prod/mobile-main"),
      ]),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO                      DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
           100%      100%  yes    main       iris-main:8000, gRPC 5001    SeldonDeployment iris (iris.yaml:3)
        with user-agent like the regex .*Mobile.*
           100%      100%  yes    main       mobile-main:8000, gRPC 5001  SeldonDeployment mobile
        with location: london
           100%      100%  yes    main       london-main:8000, gRPC 5001  SeldonDeployment london

      1 deployment
      "
    `);
  });

  test("splits REST from gRPC where they differ", () => {
    const rest = object("Service", "prod/iris-main", "spec: { ports: [{ name: http, port: 8000 }] }");
    const [, slice] = service("prod/iris-main");
    expect(listed([deployment("prod/iris", ["main"], { "seldon.io/rest-timeout": "1500" }), rest, slice!]))
      .toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO         DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…  [timeout 1500 ms]
           100%      100%  yes    main       iris-main:8000  SeldonDeployment iris (iris.yaml:3)
        gRPC  seldon: iris, namespace: prod (or seldon alone)
             0%      100%  no     main       iris-main:5001  SeldonDeployment iris (iris.yaml:3)
          answers UNAVAILABLE: no healthy upstream

      1 deployment; no gRPC: prod/iris
      "
    `);
  });

  test("that nobody answers says so, and the last line counts it", () => {
    expect(listed([deployment("prod/iris"), deployment("prod/wine"), ...service("prod/wine-main")]))
      .toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO                    DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
             0%      100%  no     main       iris-main:8000, gRPC 5001  SeldonDeployment iris (iris.yaml:3)
          answers 503: no healthy upstream

      prod/wine
        REST  /seldon/prod/wine/…
        gRPC  seldon: wine, namespace: prod (or seldon alone)
           100%      100%  yes    main       wine-main:8000, gRPC 5001  SeldonDeployment wine

      2 deployments; answers 503: prod/iris
      "
    `);
  });

  test("has its explainers under it", () => {
    const explained =
      "{ spec: { predictors: [{ name: main, graph: { name: c }, explainer: { type: AnchorTabular } }] } }";
    expect(
      listed([
        object("SeldonDeployment", "prod/iris", explained),
        ...service("prod/iris-main"),
        ...service("prod/iris-main-explainer"),
      ]),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR       GOES TO                    DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
           100%      100%  yes    main            iris-main:8000, gRPC 5001  SeldonDeployment iris (iris.yaml:3)
        explainer
        REST  /seldon/prod/iris-explainer/main/…
        REST  /seldon/prod/iris-explainer/api/…
           100%      100%  yes    main-explainer  iris-main-explainer:8000   SeldonDeployment iris (iris.yaml:3)

      1 deployment
      "
    `);
  });

  test("of a single namespace has both paths", () => {
    expect(
      listed([deployment("prod/iris"), ...service("prod/iris-main")], {
        singleNamespace: "prod",
        namespaces: ["prod"],
      }),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO                    DECLARED IN

      prod/iris
        REST  /seldon/prod/iris/…
        REST  /seldon/iris/…
        gRPC  seldon: iris, namespace: prod (or seldon alone)
           100%      100%  yes    main       iris-main:8000, gRPC 5001  SeldonDeployment iris (iris.yaml:3)

      1 deployment
      "
    `);
  });
});

describe("Mappings", () => {
  test("of gRPC alone", () => {
    expect(
      listed([
        object(
          "Mapping",
          "prod/calls",
          'spec: { prefix: /seldon.protos.Seldon/, rewrite: "", grpc: true, headers: { seldon: iris, namespace: prod }, service: "model:5001" }',
        ),
        ...service("prod/model"),
      ]),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO     DECLARED IN

      prod/iris
        gRPC  seldon: iris, namespace: prod, /seldon.protos.Seldon/…  [path kept]
           100%      100%  yes    -          model:5001  Mapping calls

      1 of Mappings alone
      "
    `);
  });

  test("outside /seldon/, with what somebody wrote about the way", () => {
    const raw = (name: string, spec: string): SourceObject =>
      object("Mapping", `prod/${name}`, `spec: { prefix: /shop/, service: "model:8000", ${spec} }`);
    expect(
      listed([
        raw("shop", "weight: 30, timeout_ms: 2500, retry_policy: { retry_on: 5xx, num_retries: 2 }"),
        raw("shop-next", 'weight: 30, rewrite: /v2/, cors: { origins: "*" }'),
        raw("copies", "shadow: true"),
        raw("moved", 'host: old.example.com, method: GET, query_parameters: { v: "1" }, host_redirect: true'),
        ...service("prod/model"),
      ]),
    ).toMatchInlineSnapshot(`
      "
              SHARE  DECLARED  READY  PREDICTOR  GOES TO                     DECLARED IN

      prod/copies, moved and 2 more
        path  /shop/…
                50%       50%  yes    -          model:8000                  Mapping shop       [timeout 2500 ms, 2 retries on 5xx]
                50%       50%  yes    -          model:8000                  Mapping shop-next  [path becomes /v2/…, CORS]
          copy 100%            yes    -          model:8000                  Mapping copies
          warning shares-scaled Mapping prod/shop: the weights of the 2 members of this Route sum to 60, not 100: Sluice scales them (Mapping prod/shop, Mapping prod/shop-next)
          warning shares-scaled Mapping prod/shop-next: the weights of the 2 members of this Route sum to 60, not 100: Sluice scales them (Mapping prod/shop, Mapping prod/shop-next)
        with host old.example.com, method GET, ?v=1
               100%      100%  yes    -          redirect 301 to model:8000  Mapping moved

      1 of Mappings alone
      "
    `);
  });

  test("granted into another namespace stand under it", () => {
    expect(
      listed([object("Mapping", "platform/docs", 'spec: { prefix: /seldon/prod/docs/, service: "docs:80" }')], {
        grants: [{ ...noGrant, namespace: "platform", prefixes: ["/seldon/prod/docs/"] }],
      }),
    ).toMatchInlineSnapshot(`
      "
          SHARE  DECLARED  READY  PREDICTOR  GOES TO           DECLARED IN

      prod/docs, granted to platform
        REST  /seldon/prod/docs/…
             0%      100%  no     -          docs.platform:80  Mapping platform/docs
          answers 503: no healthy upstream

      1 of Mappings alone; answers 503: prod/docs, granted to platform
      "
    `);
  });
});

describe("whatever there is", () => {
  test("no Routes is said", () => {
    expect(listed([])).toBe("\nno Routes\n");
  });

  test("no sign of the wide form is in it", () => {
    const text = listed([
      deployment("prod/iris", ["main:75", "canary:25"]),
      object("Mapping", "prod/re", "spec: { prefix: /seldon/prod/r.*, prefix_regex: true, service: s }"),
      object("Mapping", "prod/case", "spec: { prefix: /seldon/prod/case/, case_sensitive: false, service: s }"),
    ]);
    expect(text).not.toMatch(/[\^~!]/);
    expect(text).toContain("paths like the regex /seldon/prod/r.*");
    expect(text).toContain("/seldon/prod/case/… in any letter case");
  });

  test("nothing that a tenant wrote moves a terminal or breaks a line", () => {
    const hostile = "m\u001b[2J\r\n\u009b31m\u202e";
    const text = listed([
      object(
        "Mapping",
        "prod/x",
        JSON.stringify({
          spec: {
            prefix: "/seldon/prod/x/",
            service: "model:8000",
            headers: { "x-a": hostile },
            rewrite: `/${hostile}`,
          },
        }),
      ),
      ...service("prod/model"),
    ]);
    expect(text).not.toMatch(/[[\p{Cc}\p{Bidi_Control}]--[\n]]/v);
    expect(text.split("\n").filter((line) => line.startsWith("m") || line.startsWith("["))).toEqual([]);
  });

  test("1000 deployments are 1000 blocks of four lines under one heading, in the order of their names, and no longer line than a few", () => {
    const names = Array.from({ length: 1000 }, (_, at) => `model-${String(at).padStart(4, "0")}`);
    const text = listed([
      ...names.map((name) => deployment(`ns-${name.at(-1)!}/${name}`)),
      ...names.slice(20).flatMap((name) => service(`ns-${name.at(-1)!}/${name}-main`)),
    ]);
    const lines = text.trim().split("\n");
    expect(lines.filter((line) => line.includes("DECLARED IN"))).toHaveLength(1);
    const titles = lines.filter((line) => line.startsWith("ns-"));
    expect(titles).toEqual(names.map((name) => `ns-${name.at(-1)!}/${name}`).sort());
    expect(lines.filter((line) => /^ +\d+% /.test(line))).toHaveLength(1000);
    expect(Math.max(...lines.slice(0, -1).map((line) => line.length))).toBeLessThan(120);
    expect(lines.at(-1)).toBe(
      "1000 deployments; answers 503: ns-0/model-0000, ns-0/model-0010, ns-1/model-0001, ns-1/model-0011, ns-2/model-0002, ns-2/model-0012, ns-3/model-0003, ns-3/model-0013, ns-4/model-0004, ns-4/model-0014 and 10 more",
    );
  });
});
