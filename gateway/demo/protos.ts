// The .proto files beside this file, as the demo's model server and its clients read them.
import { join } from "node:path";
import { loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";

/** A method, with its messages as objects: names as in the .proto files, lists and maps also where they are empty, 64-bit integers as numbers. */
export type Method<Request extends object, Response extends object> = MethodDefinition<Request, Response>;

/** Seldon's protocol and KServe's V2: messages and services by their full names. */
export const protocols = loadSync(["prediction.proto", "grpc_predict_v2.proto"], {
  includeDirs: [join(import.meta.dirname, "protos")],
  keepCase: true,
  longs: Number,
  arrays: true,
  objects: true,
});

/** A method by the full name of its service. The caller says what its messages are. Throws where the files have none of that name. */
export function methodOf<Request extends object, Response extends object>(
  service: string,
  name: string,
): Method<Request, Response> {
  const method: object | undefined = (protocols[service] as ServiceDefinition | undefined)?.[name];
  if (method === undefined) throw new Error(`the .proto files have no ${service}/${name}`);
  return method as Method<Request, Response>;
}
