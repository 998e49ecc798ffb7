// Endpoints of the admin port, for RUNBOOK.md.
import type { Shape } from "../api/shape.ts";
import type { Endpoint } from "../admin/endpoint.ts";
import { endpoints } from "../admin/endpoints.ts";
import { table, type GeneratedPart } from "./generated.ts";

export const endpointsPart: GeneratedPart = {
  page: "gateway/RUNBOOK.md",
  name: "endpoints",
  text: () =>
    table(
      ["endpoint", "parameters", "answer", "token"],
      Object.values<Endpoint>(endpoints).map(
        ({ method, path, alias, parameters, body, answers, access, maxBodyBytes }) => [
          `\`${method} ${path}\`${alias === "" ? "" : `, \`${alias}\``}`,
          [
            ...described(parameters),
            ...(body === null ? [] : [`a JSON body of at most ${maxBodyBytes} bytes:`, ...described(body)]),
          ].join("<br>"),
          answers,
          {
            everyone: "no",
            viewer: "yes",
            admin: "`--admin-token` alone",
          }[access],
        ],
      ),
    ),
};

function described(shapes: Readonly<Record<string, Shape>>): readonly string[] {
  return Object.entries(shapes).map(
    ([name, { description }]: [string, { description?: string }]) => `\`${name}\`: ${description ?? ""}`,
  );
}
