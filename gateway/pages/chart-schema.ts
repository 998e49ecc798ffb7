// The schema of the chart's values: its part about options of `serve`. The rest is written by hand, in the file itself.
import written from "../../k8s/chart/values.schema.json" with { type: "json" };
import { nameOf, type Option } from "../options/option.ts";
import { serveOptions } from "../options/serve-options.ts";
import type { GeneratedFile } from "./generated.ts";

/** Options that the chart sets by values of its own. */
const ofValues: readonly (keyof typeof serveOptions)[] = [
  "workers",
  "ambassadorId",
  "namespace",
  "singleNamespace",
  "mappings",
  "claims",
  "bareNames",
  "dial",
  "trustedHops",
  "proxyProtocol",
  "proxyProtocolFrom",
  "accessLog",
  "drainWaitMs",
  "drainGraceMs",
  "grants",
  "policy",
  "redis",
  "redisPasswordFile",
  "listen",
  "admin",
  "adminHost",
  "adminViewers",
  "adminToken",
  "snapshot",
  "source",
  "folder",
  "tlsListen",
  "tlsCert",
  "tlsKey",
  "tlsTicketKeys",
  "puidKey",
  "oauthKey",
  "releasesRecord",
  "peers",
  "gatewayNamespace",
];

export const chartSchemaFile: GeneratedFile = {
  file: "k8s/chart/values.schema.json",
  text: () => {
    const passed = Object.entries<Option>(serveOptions).filter(([field]) => !ofValues.some((own) => own === field));
    const options = {
      type: "object",
      description: "Options of `sluice serve` that have no value of their own here",
      additionalProperties: false,
      properties: Object.fromEntries(passed.map(([field, option]) => [nameOf(field), schemaOf(option)])),
    };
    const { workers, claims, dial, accessLog } = serveOptions;
    const properties = {
      ...written.properties,
      workers: workers.schema,
      claims: claims.schema,
      dial: dial.schema,
      accessLog: accessLog.schema,
      options,
    };
    return `${JSON.stringify({ ...written, properties }, null, 2)}\n`;
  },
};

/** A number may be a text of digits, and a list may be one text. */
function schemaOf({ kind, schema, help }: Option): unknown {
  if (kind === "list") return { type: ["array", "string"], items: schema, description: help };
  if (schema.type !== "integer") return { ...schema, description: help };
  return { ...schema, type: ["integer", "string"], pattern: "^[0-9]+$", description: help };
}
