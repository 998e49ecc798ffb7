// Every example of a field on the page can be copied: it is read, and nothing of it is a Problem.
import { describe, expect, test } from "vitest";
import { load } from "js-yaml";
import type { FieldRows } from "../../../../k8s/translate/fields/field-table.ts";
import { mappingTable } from "../../../../k8s/translate/fields/mapping-fields.ts";
import { moduleTable } from "../../../../k8s/translate/fields/module-fields.ts";
import { authServiceTable, rateLimitServiceTable } from "../../../../k8s/translate/fields/service-fields.ts";
import { contextRows, hostRows } from "../../../../k8s/translate/fields/tls-fields.ts";
import { object, slice, translate } from "../objects.ts";

type Spec = Readonly<Record<string, unknown>>;

/** Of each kind: its fields, and a spec that the example is written into. */
const kinds: Readonly<Record<string, readonly [FieldRows, Spec]>> = {
  Mapping: [mappingTable.rows, { prefix: "/seldon/ops/m/", service: "m:80" }],
  Module: [moduleTable.rows, {}],
  Host: [hostRows, {}],
  TLSContext: [contextRows, { ca_secret: "ca" }],
  AuthService: [authServiceTable.rows, { auth_service: "m:80" }],
  RateLimitService: [rateLimitServiceTable.rows, { service: "m:80" }],
};
/** What an example needs beside it. */
const beside: Readonly<Record<string, Spec>> = {
  path_redirect: { host_redirect: true },
  prefix_redirect: { host_redirect: true },
  redirect_response_code: { host_redirect: true },
  regex_redirect: { host_redirect: true },
  host_regex: { host: "a.*" },
  method_regex: { method: "P.*" },
};
/** Said of what is not there or not granted, and of what differs from Ambassador. */
const others = /^(?:differs$|no-such-|tls-missing|tls-missing|not-granted|claim-)/;

describe.each(Object.entries(kinds))("%s", (kind, [rows, spec]) => {
  test.each(Object.entries(rows).filter(([, { example }]) => example !== ""))("%s", (name, { example }) => {
    const fields = { ...spec, ...beside[name], ...(load(`${name}: ${example}`) as Spec) };
    const written = { spec: kind === "Module" ? { config: fields } : fields };
    const { problems } = translate(
      [
        object(kind, `ops/${kind === "Module" ? "ambassador" : "one"}`, JSON.stringify(written), "getambassador.io/v2"),
        object("Service", "ops/m", "{spec: {clusterIP: 10.0.0.7, ports: [{name: http, port: 80}]}}"),
        // An AuthService that cannot answer has a Problem of its own.
        slice("ops/m-1", "m", [{ addresses: ["10.1.0.1"] }]),
      ],
      { gatewayNamespace: "ops", ambassadorIds: ["default", "sluice"] },
    );
    expect(problems.filter(({ code }) => !others.test(code))).toEqual([]);
  });
});
