// Termination: what a TLSContext, or `tls` of a Host, says about the connections of clients (Ambassador 1.14 and 3.x: TLSContext).
import type { AlpnName, TlsTerms, TlsVersion } from "../../../routing/model/host-tls.ts";
import type { Report } from "../values/report.ts";
import { arrayOf, booleanOf, fieldOf, quoted, scalarText, textOf, type UnknownRecord } from "../values/value.ts";

export interface Termination {
  /** Names of Secrets, or "". `findSecret` says where each is. */
  readonly secret: string;
  readonly caSecret: string;
  readonly crlSecret: string;
  /** `secret_namespacing`: `NAME.NAMESPACE` names a Secret of that namespace. */
  readonly namespaced: boolean;
  /** Certificates of clients are required. */
  readonly required: boolean;
  /** But for whose certificates clients show. */
  readonly terms: TlsTerms;
  /** `redirect_cleartext_from` is written. */
  readonly redirects: boolean;
  /** Something that decides who may connect cannot be read: hosts with it have no TLS. */
  readonly unreadable: boolean;
}

/** Names of ciphers or groups that are read, at most. */
const mostNames = 64;
const versions: Readonly<Record<string, TlsVersion | "old">> = {
  __proto__: null as never,
  "v1.0": "old",
  "v1.1": "old",
  "v1.2": "TLSv1.2",
  "v1.3": "TLSv1.3",
};

/** `at` comes before the names of fields in Problems. */
export function decodeTermination(fields: UnknownRecord, at: string, report: Report): Termination {
  let unreadable = false;
  const place = (name: string): string => `${at}${name}`;
  const refuse = (name: string, write: string): void => {
    unreadable = true;
    report(
      "error",
      "bad-value",
      place(name),
      `${quoted(fieldOf(fields, name))} cannot be read, and it decides who may connect, so its hosts have no TLS; write ${write}`,
    );
  };
  const name = (field: string): string => {
    const written = fieldOf(fields, field) ?? "";
    if (typeof written !== "string") refuse(field, "the name of a Secret");
    return textOf(written);
  };
  for (const file of ["cacert_chain_file", "crl_file"])
    if ((fieldOf(fields, file) ?? "") !== "")
      refuse(
        file,
        `${file === "crl_file" ? "crl_secret" : "ca_secret"} with the name of a Secret: Sluice does not have the files of Ambassador's pod`,
      );
  for (const file of ["cert_chain_file", "private_key_file"])
    if ((fieldOf(fields, file) ?? "") !== "")
      report(
        "error",
        "field-lost",
        place(file),
        "Sluice does not have the files of Ambassador's pod and ignores this; write secret with the name of a Secret",
      );
  const written = fieldOf(fields, "cert_required") ?? false;
  const required = booleanOf(typeof written === "string" ? written.trim() : written);
  if (required === null) refuse("cert_required", "true or false");
  const splits = fieldOf(fields, "secret_namespacing") ?? true;
  const namespaced = booleanOf(typeof splits === "string" ? splits.trim() : splits);
  if (namespaced === null) refuse("secret_namespacing", "true or false");
  const version = (field: string): TlsVersion | "old" | null => {
    const text = fieldOf(fields, field) ?? null;
    if (text === null) return null;
    const read = typeof text === "string" ? versions[text.trim().toLowerCase()] : undefined;
    if (read === undefined) refuse(field, "v1.2 or v1.3");
    return read ?? null;
  };
  const lowest = version("min_tls_version");
  const highest = version("max_tls_version");
  if (lowest === "old")
    report(
      "info",
      "differs",
      place("min_tls_version"),
      "Sluice serves TLS 1.2 and above, and older clients get no connection; write v1.2",
    );
  if (highest === "old") refuse("max_tls_version", "v1.2 or v1.3");
  return {
    secret: name("secret"),
    caSecret: name("ca_secret"),
    crlSecret: name("crl_secret") || name("v3CRLSecret"),
    namespaced: namespaced ?? true,
    required: required ?? true,
    terms: {
      minVersion: lowest === "old" ? null : lowest,
      maxVersion: highest === "old" ? null : highest,
      ciphers: namesIn(fields, "cipher_suites", refuse),
      curves: namesIn(fields, "ecdh_curves", refuse),
      alpn: alpnOf(fields, at, report),
      client: null,
    },
    redirects: (fieldOf(fields, "redirect_cleartext_from") ?? null) !== null,
    unreadable,
  };
}

/** A list of names; groups of equal rank, `[A|B]`, are read one after the other. */
function namesIn(
  fields: UnknownRecord,
  field: string,
  refuse: (name: string, write: string) => void,
): readonly string[] {
  const written = fieldOf(fields, field) ?? [];
  const names = arrayOf(written).flatMap((one) => (scalarText(one) ?? "").replaceAll(/[[\]]/g, "").split("|"));
  if (
    !Array.isArray(written) ||
    names.length > mostNames ||
    names.some((name) => !/^[A-Za-z0-9_+@=.-]{1,64}$/.test(name))
  ) {
    refuse(field, `a list of at most ${mostNames} names`);
    return [];
  }
  return names;
}

function alpnOf(fields: UnknownRecord, at: string, report: Report): readonly AlpnName[] {
  const written = fieldOf(fields, "alpn_protocols") ?? null;
  if (written === null) return ["h2", "http/1.1"];
  const names = (typeof written === "string" ? written : "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const known = names.filter((name): name is AlpnName => name === "h2" || name === "http/1.1");
  if (known.length === names.length && known.length > 0) return known;
  report(
    "warning",
    "bad-value",
    `${at}alpn_protocols`,
    `${quoted(written)} is not a list of h2 and http/1.1, so Sluice offers ${known.length === 0 ? "both" : "only these"}; write "h2,http/1.1"`,
  );
  return known.length === 0 ? ["h2", "http/1.1"] : known;
}
