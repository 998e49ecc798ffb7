// The methods that the demo's model serves and its clients call, as the .proto files declare them.
import { methodOf, type Method } from "./protos.ts";
import type { SeldonMessage } from "./seldon-messages.ts";
import type { InferRequest, InferResponse } from "./v2-messages.ts";

/** Predict of both services: the one that Seldon's clients call, and that of its single models. */
export const predictMethods: readonly Method<SeldonMessage, SeldonMessage>[] = ["Seldon", "Model"].map((service) =>
  methodOf(`seldon.protos.${service}`, "Predict"),
);
export const predictMethod: Method<SeldonMessage, SeldonMessage> = predictMethods[0]!;

const service = "inference.GRPCInferenceService";
export const inferMethod: Method<InferRequest, InferResponse> = methodOf(service, "ModelInfer");

/** The demo's only model is there as soon as its server is. */
export const readiness: readonly { readonly method: Method<object, object>; readonly yes: object }[] = [
  { method: methodOf(service, "ServerLive"), yes: { live: true } },
  { method: methodOf(service, "ServerReady"), yes: { ready: true } },
  { method: methodOf(service, "ModelReady"), yes: { ready: true } },
];
