// Endpoints of the admin port, for RUNBOOK.md.
import type { Endpoint } from "../admin/endpoint.ts";
import { endpoints } from "../admin/endpoints.ts";
import { table, type GeneratedPart } from "./generated.ts";

export const endpointsPart: GeneratedPart = {
  page: "gateway/RUNBOOK.md",
  name: "endpoints",
  text: () =>
    table(
      ["endpoint", "parameters", "answer", "token"],
      Object.values<Endpoint>(endpoints).map(({ method, path, alias, parameters, answers, access, maxBodyBytes }) => [
        `\`${method} ${path}\`${alias === "" ? "" : `, \`${alias}\``}`,
        [
          ...Object.entries(parameters).map(([name, meaning]) => `\`${name}\`: ${meaning}`),
          ...(method === "GET" ? [] : [`a JSON body of at most ${maxBodyBytes} bytes`]),
        ].join("<br>"),
        answers,
        access === "token" ? "yes" : "no",
      ]),
    ),
};
