// What a control worker gives data workers to serve TLS by, made of declarations as files and objects make them.
import { plainTerms, type HostDeclaration, type Identity, type MissingIdentity } from "../../routing/model/host-tls.ts";
import type { CertificateSet } from "../../gateway/shared/certificates.ts";
import { CertificateAssembly } from "../../gateway/control/certificates/certificate-set.ts";

export function certificateSet(
  declarations: readonly HostDeclaration[],
  ticketSeeds: readonly Uint8Array[] = [],
): CertificateSet {
  return new CertificateAssembly(null).assemble(declarations, ticketSeeds, Date.now()).set;
}

export function hostDeclaration(
  name: string,
  hosts: readonly string[] | null,
  identity: Identity | MissingIdentity,
  more: Partial<HostDeclaration> = {},
): HostDeclaration {
  return {
    name,
    subject: { kind: "Host", namespace: "models", name },
    field: "",
    hosts,
    identity,
    terms: plainTerms,
    clientName: "",
    cleartext: null,
    ...more,
  };
}
