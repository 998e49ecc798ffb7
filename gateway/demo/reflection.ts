// gRPC server reflection (grpc.reflection.v1) for the one file that the demo's model server has: what grpcurl asks before it writes a message.
import { bytes, bytesOf, message, number, readMessage } from './protobuf.ts';
import { descriptor, services } from './seldon-messages.ts';

export const reflectionPaths: readonly string[] = ['v1', 'v1alpha'].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);

const request = { fileByFilename: 3, fileContainingSymbol: 4, listServices: 7 } as const;
const response = { originalRequest: 2, fileDescriptors: 4, services: 6, error: 7 } as const;
const notFound = 5;

/** The answer to one ServerReflectionRequest. */
export function reflect(asked: Buffer): Buffer {
  const fields = readMessage(asked) ?? [];
  const original = bytes(response.originalRequest, asked);
  if (bytesOf(fields, request.listServices) !== null) {
    return Buffer.concat([original, message(response.services, ...services.map((name) => message(1, bytes(1, name))))]);
  }
  const symbol = bytesOf(fields, request.fileContainingSymbol)?.toString() ?? '';
  const file = bytesOf(fields, request.fileByFilename)?.toString();
  if (symbol.startsWith('seldon.protos.') || file === 'prediction.proto') return Buffer.concat([original, message(response.fileDescriptors, bytes(1, descriptor))]);
  return Buffer.concat([original, message(response.error, number(1, notFound), bytes(2, `not found: ${symbol}${file ?? ''}`))]);
}
