// The .proto files that k8s/MANIFESTS.md gives to clients: somebody else's library reads them, and calls the demo's model through the gateway with them.
import { fileURLToPath } from "node:url";
import { Client, credentials, status, type ServiceError } from "@grpc/grpc-js";
import { loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGrpcServer, listenGrpc } from "../../gateway/demo/grpc-server.ts";
import { Gateway } from "./gateway.ts";
import { metadataOf } from "./grpc-peer.ts";
import { deployment, modelService, serveDocuments } from "./manifests.ts";

const folder = fileURLToPath(new URL("../../gateway/demo/protos", import.meta.url));
const names = { keepCase: true, longs: Number, enums: String, oneofs: true };

type Method = MethodDefinition<object, object>;

function methodOf(file: string, service: string, method: string): Method {
  const found = (loadSync(file, { ...names, includeDirs: [folder] })[service] as ServiceDefinition | undefined)?.[
    method
  ];
  if (found === undefined) throw new Error(`${file} has no ${service}/${method}`);
  return found;
}

const model = createGrpcServer("2", () => undefined);
let gateway: Gateway;
let client: Client;

beforeAll(async () => {
  const port = await listenGrpc(model);
  gateway = await new Gateway({ time: "real" }).listen();
  await serveDocuments(gateway, [deployment("models", "iris"), modelService("models", "iris-default", { grpc: port })]);
  client = new Client(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
});
afterAll(() => {
  client.close();
  gateway.close();
  model.forceShutdown();
});

function call(
  { path, requestSerialize, responseDeserialize }: Method,
  message: object,
): Promise<object | ServiceError> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      metadataOf({ seldon: "iris", namespace: "models" }),
      (error: ServiceError | null, answer?: object) => resolve(error ?? answer!),
    );
  });
}

const flower = [7, 3.2, 4.7, 1.4];
const classes = ["setosa", "versicolor", "virginica"];

test.each(["Seldon", "Model"])("Seldon's protocol: a tensor and rows to the service %s", async (service) => {
  const predict = methodOf("prediction.proto", `seldon.protos.${service}`, "Predict");
  const numbers = expect.arrayContaining([expect.any(Number)]) as unknown;
  expect(await call(predict, { data: { tensor: { shape: [1, 4], values: flower } } })).toMatchObject({
    meta: { requestPath: expect.any(Object) as object },
    data: {
      names: expect.arrayContaining([expect.stringContaining(classes[0]!)]) as string[],
      data_oneof: "tensor",
      tensor: { shape: [1, 3], values: numbers },
    },
  });
  const row = { listValue: { values: flower.map((numberValue) => ({ numberValue })) } };
  expect(await call(predict, { data: { ndarray: { values: [row] } } })).toMatchObject({
    data: { data_oneof: "ndarray", ndarray: { values: [expect.any(Object)] } },
  });
});

test("KServe's V2 protocol: an inference, and whether the model is ready", async () => {
  const service = "inference.GRPCInferenceService";
  const infer = methodOf("grpc_predict_v2.proto", service, "ModelInfer");
  const inputs = [{ name: "predict", datatype: "FP64", shape: [1, 4], contents: { fp64_contents: flower } }];
  expect(await call(infer, { model_name: "classifier", id: "one", inputs })).toMatchObject({
    model_version: "2",
    id: "one",
    outputs: [
      {
        datatype: "FP64",
        shape: [1, 3],
        contents: { fp64_contents: expect.arrayContaining([expect.any(Number)]) as number[] },
      },
    ],
  });
  expect(await call(methodOf("grpc_predict_v2.proto", service, "ModelReady"), { name: "classifier" })).toEqual({
    ready: true,
  });
});

test("TensorFlow Serving's protocol reaches the model, which does not speak it", async () => {
  const predict = methodOf("prediction_service.proto", "tensorflow.serving.PredictionService", "Predict");
  const message = {
    model_spec: { name: "iris", version: { value: 1 } },
    inputs: { x: { dtype: "DT_FLOAT", tensor_shape: { dim: [{ size: 4 }] }, float_val: [1, 2, 3, 4] } },
  };
  expect(predict.requestDeserialize(predict.requestSerialize(message))).toMatchObject(message);
  expect(await call(predict, message)).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: "The server does not implement the method /tensorflow.serving.PredictionService/Predict",
  });
});
