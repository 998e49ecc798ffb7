// Fields of Hosts and TLSContexts: each once, with all that follows from it.
import { fieldOf, recordOf, textOf } from "../values/value.ts";
import { documentRows, how, idle, kindsOf, lost, which, type FieldRows } from "./field-table.ts";
import { anyTexts, fieldNames, keysOf, values, type Keys } from "./shape.ts";

const closes = { empty: "closes" } as const;

/** What a TLSContext, or `tls` of a Host, asks of clients. */
const decidingRows: FieldRows = {
  ca_secret: which("client-ca", "Secret with the authorities (`ca.crt`) of clients, or of the upstream", closes),
  crl_secret: which("client-crl", "Secret with `crl.pem`: revoked certificates of clients", closes),
  cert_required: which("true", "clients need a certificate", closes),
  min_tls_version: which("v1.2", "`v1.2` or `v1.3`", closes),
  max_tls_version: which("v1.3", "`v1.2` or `v1.3`", closes),
  cipher_suites: which("[ECDHE-RSA-AES128-GCM-SHA256]", "ciphers of TLS 1.2", closes),
  ecdh_curves: which("[X25519]", "groups of the key exchange", closes),
  redirect_cleartext_from: which("8080", "cleartext is redirected to https", closes),
  // So Ambassador's conversion writes it into objects of v2.
  v3CRLSecret: which("", "the same as `crl_secret`", closes),
  cacert_chain_file: which("", "a file of Ambassador's pod: its hosts have no TLS; write `ca_secret`", closes),
  crl_file: which("", "the same; write `crl_secret`", closes),
};

const otherRows: FieldRows = {
  secret: how("models-tls", "Secret with `tls.crt` and `tls.key`; `NAME.NAMESPACE` is one of another namespace"),
  secret_namespacing: how("false", "`false`: dots belong to the names of Secrets"),
  alpn_protocols: how("h2,http/1.1", "`h2`, `http/1.1` or both"),
  sni: how("models.internal", "host name towards the upstream"),
  cert_chain_file: how("", "a file of Ambassador's pod: ignored; write `secret`"),
  private_key_file: how("", "the same"),
};
/** Read in `tls` of a Host. */
export const tlsRows: FieldRows = { ...decidingRows, ...otherRows };

export const contextRows: FieldRows = {
  hosts: which("[models.example.com]", "hosts that are served with it; without any it is for upstreams", closes),
  ...tlsRows,
  ...documentRows,
};

const tlsShape = keysOf(values(...Object.keys(tlsRows)), kindsOf(decidingRows));
const selector = keysOf({ matchLabels: anyTexts, matchExpressions: { each: fieldNames } });
// One of its own for each field: Places know each shape at one level.
const named = (): Keys => keysOf(values("name", "namespace"), { name: "which" });
/** It narrows which Mappings the host serves, and nothing here knows which. */
const refusedSelector = which("", "refused: Sluice selects no Mappings by labels; write `hostname` in Mappings", {
  empty: "absent",
  shape: selector,
});
export const hostSelectors = ["selector", "mappingSelector"] as const;

export const hostRows: FieldRows = {
  hostname: which('"*.example.com"', "a name, `*.` and a name, or `*` (unset)", closes),
  tlsSecret: which("{ name: models-tls }", "Secret of the certificate, also of another `namespace`", {
    empty: "absent",
    shape: named(),
  }),
  tlsContext: which("{ name: clients }", "TLSContext of the same namespace", { ...closes, shape: named() }),
  tls: which("{ ca_secret: client-ca, cert_required: true }", "the fields of a TLSContext", {
    ...closes,
    shape: tlsShape,
  }),
  requestPolicy: which(
    "{ insecure: { action: Reject } }",
    "cleartext: `Redirect` (unset), `Route` or `Reject`; `additionalPort` changes nothing",
    {
      ...closes,
      shape: keysOf(
        { insecure: keysOf(values("action", "additionalPort"), { action: "which" }) },
        { insecure: "which" },
      ),
    },
  ),
  selector: refusedSelector,
  mappingSelector: refusedSelector,
  acmeProvider: lost(
    "warning",
    "Sluice asks no authority for certificates; write the Secret that something else keeps in tlsSecret",
    (value) => textOf(fieldOf(recordOf(value), "authority")).replace("none", "") !== "",
    fieldNames,
  ),
  previewUrl: idle("it belongs to previews of Ambassador Edge Stack", fieldNames),
  ...documentRows,
  ambassadorId: which("", ""),
};
