// What a document says of a service that is asked about requests, before Services, TLS and other documents are looked at.
import type { AuthService, RateLimitService } from "../../../routing/model/external-services.ts";
import type { UpstreamLimits } from "./upstreams.ts";
import type { RawService } from "./service-address.ts";

export const serviceKinds = ["AuthService", "RateLimitService"] as const;
export type ServiceKind = (typeof serviceKinds)[number];

/** Where a service is, before Services, TLS and reach are looked at. */
export interface WrittenPlace {
  readonly service: RawService;
  /** Name of a TLSContext; "": TLS without one; null: as the service says. */
  readonly tls: string | null;
  readonly grpc: boolean;
  readonly limits: UpstreamLimits;
}

/** What such a document says; null: it cannot be read. */
export type ServiceSaid =
  | { readonly kind: "AuthService"; readonly place: WrittenPlace; readonly said: Omit<AuthService, "places"> }
  | {
      readonly kind: "RateLimitService";
      readonly place: WrittenPlace;
      readonly said: Omit<RateLimitService, "place" | "sourceCluster">;
    };

export interface ServiceDeclaration {
  readonly kind: ServiceKind;
  readonly name: string;
  /** Field of the document, for Problems. */
  readonly field: string;
  readonly service: ServiceSaid | null;
}
