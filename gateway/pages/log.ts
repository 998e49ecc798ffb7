// The fields of the access log and the events of the log, for RUNBOOK.md.
import { accessFields } from "../shared/access-fields.ts";
import { logEvents } from "../shared/log-events.ts";
import { table, type GeneratedPart } from "./generated.ts";

const page = "gateway/RUNBOOK.md";

export const accessLogPart: GeneratedPart = {
  page,
  name: "access-log",
  text: () =>
    table(
      ["field", "meaning"],
      Object.entries(accessFields).map(([field, { meaning }]) => [`\`${field === "atMs" ? "at" : field}\``, meaning]),
    ),
};

export const logEventsPart: GeneratedPart = {
  page,
  name: "log-events",
  text: () =>
    table(
      ["event", "level", "meaning"],
      Object.entries(logEvents).map(([event, [level, meaning]]) => [`\`${event}\``, level, meaning]),
    ),
};
