// `labels` of a Mapping, in the shapes of v1 to v3alpha1, and `rate_limits` of v0. What cannot be read is no limit, so its Mapping is not served.
import type { Label, LabelGroup } from "../../../routing/model/rate-limit-labels.ts";
import type { Fields } from "../fields/fields.ts";
import { arrayOf, booleanOf, fieldOf, isRecord, scalarText, textOf, type UnknownRecord } from "../values/value.ts";

/** Groups of one Mapping, labels of one group, and characters of a text. */
export const mostLabelGroups = 32;
export const mostLabels = 16;
export const mostLabelText = 256;

/** Of the documents of v0, which could not say another. */
const defaultDomain = "ambassador";

/** null: the Mapping has none, or what it has cannot be read, which was reported. */
export function decodeLabels(fields: Fields): readonly LabelGroup[] | null {
  const written = fields.record("labels");
  const old = fields.list("rate_limits");
  const groups = [...(written === null ? [] : groupsOf(written)), ...old.map(oldGroup)];
  const bad = groups.find((group) => typeof group === "string");
  if (bad !== undefined || groups.length > mostLabelGroups) {
    fields.bad(
      written === null ? "rate_limits" : "labels",
      bad ?? `${groups.length} groups`,
      bad === undefined
        ? `at most ${mostLabelGroups} groups of labels`
        : "groups of labels: {DOMAIN: [{GROUP: [{generic_key: {value: TEXT}}, {request_headers: {key: KEY, header_name: NAME}}, {remote_address: {key: remote_address}}]}]}",
    );
    return null;
  }
  return groups.length === 0 ? null : (groups as readonly LabelGroup[]);
}

/** `default_labels` of a Module: those of each domain. */
export function decodeDefaultLabels(fields: Fields): Readonly<Record<string, readonly Label[]>> {
  const written = Object.entries(fields.record("default_labels") ?? {});
  const decoded: [string, readonly Label[]][] = [];
  for (const [domain, said] of written) {
    const labels =
      isRecord(said) && Object.keys(said).every((key) => key === "defaults")
        ? arrayOf(fieldOf(said, "defaults")).map(labelOf)
        : [null];
    if (labels.length <= mostLabels && labels.every((label) => label !== null)) decoded.push([domain, labels]);
    else
      fields.refuse(
        "bad-value",
        "default_labels",
        `${shown(said)} cannot be read, so groups of the domain ${domain.slice(0, 80)} have no defaults; write {${domain.slice(0, 80)}: {defaults: [{remote_address: {key: remote_address}}]}}`,
      );
  }
  return Object.fromEntries(decoded.filter(([, labels]) => labels.length > 0));
}

/** A text is a group that cannot be read. */
function groupsOf(labels: UnknownRecord): readonly (LabelGroup | string)[] {
  return Object.entries(labels).flatMap(([domain, groups]) =>
    Array.isArray(groups) && isText(domain) ? arrayOf(groups).map((group) => groupOf(domain, group)) : [shown(groups)],
  );
}

function groupOf(domain: string, group: unknown): LabelGroup | string {
  const entries = isRecord(group) ? Object.values(group) : [];
  if (entries.length !== 1 || !Array.isArray(entries[0])) return shown(group);
  return completeGroup(domain, arrayOf(entries[0]).map(labelOf), group);
}

/** `{descriptor: TEXT, headers: [NAME]}`, to which Ambassador adds both clusters and the address. */
function oldGroup(group: unknown): LabelGroup | string {
  if (!isRecord(group)) return shown(group);
  const headers = arrayOf(fieldOf(group, "headers")).map(textOf);
  const descriptor = scalarText(fieldOf(group, "descriptor") ?? "");
  const labels: (Label | null)[] = [
    { kind: "source-cluster" },
    { kind: "destination-cluster" },
    { kind: "remote-address" },
  ];
  if (descriptor !== "")
    labels.push(
      descriptor === null || !isText(descriptor) ? null : { kind: "generic", key: "generic_key", value: descriptor },
    );
  for (const header of headers) labels.push(headerLabel(header, header, false));
  return completeGroup(defaultDomain, labels, group);
}

function completeGroup(domain: string, labels: readonly (Label | null)[], written: unknown): LabelGroup | string {
  if (labels.length === 0 || labels.length > mostLabels || !labels.every((label) => label !== null))
    return shown(written);
  return { domain, labels };
}

/** null: it cannot be read. */
function labelOf(written: unknown): Label | null {
  const text = scalarText(written);
  if (text !== null)
    return plainLabel(text, null) ?? (isText(text) ? { kind: "generic", key: "generic_key", value: text } : null);
  if (!isRecord(written)) return null;
  const entries = Object.entries(written);
  if (entries.length !== 1) return null;
  const [name, said] = entries[0]!;
  const fields = isRecord(said) ? said : {};
  const key = scalarText(fieldOf(fields, "key") ?? "") ?? "";
  switch (name) {
    case "generic_key": {
      const value = scalarText(fieldOf(fields, "value"));
      return value !== null && isText(value) && key.length <= mostLabelText
        ? { kind: "generic", key: key === "" ? name : key, value }
        : null;
    }
    case "request_headers":
      return headerLabel(
        key,
        textOf(fieldOf(fields, "header_name")),
        booleanOf(fieldOf(fields, "omit_if_not_present") ?? false),
      );
    default:
      // v1 and v2: the name of the label is the key.
      return (
        plainLabel(name, fields) ??
        headerLabel(name, textOf(fieldOf(fields, "header")), booleanOf(fieldOf(fields, "omit_if_not_present") ?? false))
      );
  }
}

/** null: it is none of these, or has another key, which Ambassador refuses as well. */
function plainLabel(name: string, fields: UnknownRecord | null): Label | null {
  if (fields !== null && !["", name].includes(scalarText(fieldOf(fields, "key") ?? "") ?? "other")) return null;
  if (fields !== null && fieldOf(fields, "header") !== undefined) return null;
  switch (name) {
    case "remote_address":
      return { kind: "remote-address" };
    case "source_cluster":
      return { kind: "source-cluster" };
    case "destination_cluster":
      return { kind: "destination-cluster" };
    default:
      return null;
  }
}

/** `optional` null: it cannot be read. */
function headerLabel(key: string, header: string, optional: boolean | null): Label | null {
  return isText(key) && /^:?[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/.test(header) && optional !== null
    ? { kind: "header", key, header: header.toLowerCase(), optional }
    : null;
}

function isText(text: string): boolean {
  return text !== "" && text.length <= mostLabelText;
}

function shown(written: unknown): string {
  return (scalarText(written) ?? JSON.stringify(written) ?? "").slice(0, 80);
}
