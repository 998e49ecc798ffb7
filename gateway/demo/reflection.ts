// gRPC server reflection (grpc.reflection.v1) for the files that the demo's model server has: what grpcurl asks before it writes a message.
import { structFile } from './list-value.ts';
import { bytes, bytesOf, message, number, readMessage } from './protobuf.ts';
import { seldonFile } from './seldon-messages.ts';
import { v2File } from './v2-messages.ts';

const files = [seldonFile, v2File, structFile];

export const reflectionPaths: readonly string[] = ['v1', 'v1alpha'].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);

const request = { fileByFilename: 3, fileContainingSymbol: 4, listServices: 7 } as const;
const response = { originalRequest: 2, fileDescriptors: 4, services: 6, error: 7 } as const;
const notFound = 5;

/** The answer to one ServerReflectionRequest. */
export function reflect(asked: Buffer): Buffer {
  const fields = readMessage(asked) ?? [];
  const original = bytes(response.originalRequest, asked);
  if (bytesOf(fields, request.listServices) !== null) {
    return Buffer.concat([original, message(response.services, ...files.flatMap(({ services }) => services).map((name) => message(1, bytes(1, name))))]);
  }
  const symbol = bytesOf(fields, request.fileContainingSymbol)?.toString() ?? '';
  const name = bytesOf(fields, request.fileByFilename)?.toString() ?? '';
  const file = files.find((candidate) => candidate.name === name || symbol.startsWith(candidate.prefix));
  if (file !== undefined) return Buffer.concat([original, message(response.fileDescriptors, bytes(1, file.descriptor))]);
  return Buffer.concat([original, message(response.error, number(1, notFound), bytes(2, `not found: ${symbol}${name}`))]);
}
