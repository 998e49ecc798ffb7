// The demo's gRPC model server, asked by somebody else's client, and its messages.
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Unframer, frame } from '../../gateway/demo/grpc-messages.ts';
import { createGrpcServer } from '../../gateway/demo/grpc-server.ts';
import { bytes, bytesOf, doublesOf, message, packedVarints, readMessage, varintsOf } from '../../gateway/demo/protobuf.ts';
import { reflect, reflectionPaths } from '../../gateway/demo/reflection.ts';
import { rowsOf } from '../../gateway/demo/list-value.ts';
import { ndarrayMessage, predictPath, seldonFile, tensorMessage, versionOf } from '../../gateway/demo/seldon-messages.ts';
import { inferMessage, inferPath, inferVersionOf, readyPaths, v2File } from '../../gateway/demo/v2-messages.ts';

let predictions = 0;
const server = createGrpcServer('2', () => (predictions += 1));
let client: Client;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new Client(`127.0.0.1:${(server.address() as AddressInfo).port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  server.close();
});

const same = (bytes: Buffer): Buffer => bytes;

function call(path: string, message: Buffer): Promise<Buffer | ServiceError> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, message, new Metadata(), (error: ServiceError | null, answer?: Buffer) => resolve(error ?? answer!));
  });
}

describe('the gRPC model server', () => {
  test('predicts a tensor, says which version did, and counts', async () => {
    const answer = await call(predictPath, tensorMessage([[7, 3.2, 4.7, 1.4], [5.1, 3.5, 1.4, 0.2]]));
    if (!Buffer.isBuffer(answer)) throw answer;
    expect([versionOf(answer), predictions]).toEqual(['2', 1]);
    const tensor = readMessage(bytesOf(readMessage(bytesOf(readMessage(answer)!, 3)!)!, 2)!)!;
    expect(varintsOf(tensor, 1)).toEqual([2, 3]);
    const [first, second] = [doublesOf(tensor, 2).slice(0, 3), doublesOf(tensor, 2).slice(3)];
    expect(first.indexOf(Math.max(...first))).toBe(1);
    expect(second.indexOf(Math.max(...second))).toBe(0);
  });

  test('predicts rows of an ndarray, in that form', async () => {
    const answer = await call(predictPath, ndarrayMessage([[7, 3.2, 4.7, 1.4], [5.1, 3.5, 1.4, 0.2]]));
    if (!Buffer.isBuffer(answer)) throw answer;
    const rows = rowsOf(bytesOf(readMessage(bytesOf(readMessage(answer)!, 3)!)!, 3)!)!;
    expect([versionOf(answer), rows.map((row) => row.indexOf(Math.max(...row)))]).toEqual(['2', [1, 0]]);
  });

  test("predicts in KServe's V2 protocol, and keeps the name and the id of the request", async () => {
    const answer = await call(inferPath, Buffer.concat([inferMessage([[7, 3.2, 4.7, 1.4]]), bytes(1, 'mine'), bytes(3, 'id-1')]));
    if (!Buffer.isBuffer(answer)) throw answer;
    const fields = readMessage(answer)!;
    expect([1, 2, 3].map((field) => bytesOf(fields, field)!.toString())).toEqual(['mine', '2', 'id-1']);
    expect(inferVersionOf(answer)).toBe('2');
    const output = readMessage(bytesOf(fields, 5)!)!;
    expect([bytesOf(output, 2)!.toString(), varintsOf(output, 3)]).toEqual(['FP64', [1, 3]]);
    const values = doublesOf(readMessage(bytesOf(output, 5)!)!, 7);
    expect(values.indexOf(Math.max(...values))).toBe(1);
  });

  test('takes raw bytes of FP32 as clients of V2 send them', async () => {
    const raw = Buffer.alloc(16);
    for (const [index, value] of [7, 3.2, 4.7, 1.4].entries()) raw.writeFloatLE(value, index * 4);
    const input = message(5, bytes(1, 'predict'), bytes(2, 'FP32'), packedVarints(3, [1, 4]));
    const answer = await call(inferPath, Buffer.concat([input, bytes(7, raw)]));
    if (!Buffer.isBuffer(answer)) throw answer;
    expect(inferVersionOf(answer)).toBe('2');
  });

  test.each(readyPaths)('%s says yes', async (path) => {
    const answer = await call(path, Buffer.alloc(0));
    if (!Buffer.isBuffer(answer)) throw answer;
    expect(varintsOf(readMessage(answer)!, 1)).toEqual([1]);
  });

  test.each([
    ['an empty message', Buffer.alloc(0)],
    ['a row of three', inferMessage([[1, 2, 3]])],
    ['another datatype', message(5, bytes(2, 'BYTES'), packedVarints(3, [1, 4]))],
    ['a shape of many more rows', message(5, bytes(2, 'FP64'), packedVarints(3, [2 ** 40, 4]))],
    ['no message', Buffer.from([255, 255])],
  ])('%s to ModelInfer is INVALID_ARGUMENT and says why', async (_, given) => {
    expect(await call(inferPath, given)).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringMatching(/send one input|Protocol Buffers/u) as string });
  });

  test.each([
    ['an empty message', Buffer.alloc(0)],
    ['a row of three', tensorMessage([[1, 2, 3]])],
    ['an ndarray with a row of three', ndarrayMessage([[7, 3.2, 4.7, 1.4], [1, 2, 3]])],
    ['a shape of no columns', message(3, message(2, packedVarints(1, [2 ** 40, 0])))],
    ['no message', Buffer.from([255, 255])],
  ])('%s is INVALID_ARGUMENT and says why', async (_, message) => {
    const error = await call(predictPath, message);
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringMatching(/send data\.tensor|Protocol Buffers/u) as string });
  });

  test('another method is UNIMPLEMENTED', async () => {
    expect(await call('/seldon.protos.Seldon/SendFeedback', Buffer.alloc(0))).toMatchObject({ code: status.UNIMPLEMENTED });
  });

  test('reflection lists the services and describes them', async () => {
    const stream = client.makeBidiStreamRequest(reflectionPaths[0]!, same, same, new Metadata());
    const ask = async (field: number, text: string): Promise<Buffer> => {
      stream.write(Buffer.concat([Buffer.from([field * 8 + 2, text.length]), Buffer.from(text)]));
      const [answer] = (await once(stream, 'data')) as [Buffer];
      return answer;
    };
    const listed = readMessage(bytesOf(readMessage(await ask(7, ''))!, 6)!)!;
    expect(listed.map(({ value }) => bytesOf(readMessage(value as Buffer)!, 1)!.toString())).toEqual([...seldonFile.services, ...v2File.services]);
    for (const [field, name, file] of [[4, 'seldon.protos.Seldon', seldonFile], [4, 'inference.ModelInferRequest', v2File], [3, v2File.name, v2File]] as const) {
      const described = readMessage(bytesOf(readMessage(await ask(field, name))!, 4)!)!;
      expect(bytesOf(described, 1)).toEqual(file.descriptor);
    }
    const unknown = readMessage(bytesOf(readMessage(await ask(4, 'nobody.Nothing'))!, 7)!)!;
    expect(varintsOf(unknown, 1)).toEqual([status.NOT_FOUND]);
    stream.end();
    await once(stream, 'status');
  });
});

const grpcurl = new URL('../../.cache/tools/grpcurl-v1.9.4', import.meta.url).pathname;

// Skipped where the tool is not cached: build it with test/tools/grpcurl.sh.
describe.runIf(existsSync(grpcurl))('grpcurl, which asks for the messages by reflection', () => {
  const ask = async (payload: string, method: string): Promise<unknown> => {
    const run = await promisify(execFile)(grpcurl, ['-plaintext', '-d', payload, `127.0.0.1:${(server.address() as AddressInfo).port}`, method]);
    return JSON.parse(run.stdout);
  };

  test.each([
    ['a tensor', '{"data":{"tensor":{"shape":[1,4],"values":[7.0,3.2,4.7,1.4]}}}', 'seldon.protos.Seldon/Predict', { data: { tensor: { shape: [1, 3] } }, meta: { requestPath: { classifier: 'iris:2' } } }],
    ['an ndarray', '{"data":{"ndarray":[[7.0,3.2,4.7,1.4]]}}', 'seldon.protos.Model/Predict', { data: { ndarray: [[expect.any(Number), expect.any(Number), expect.any(Number)]] } }],
    ['V2', '{"model_name":"classifier","inputs":[{"name":"predict","datatype":"FP64","shape":[1,4],"contents":{"fp64_contents":[7.0,3.2,4.7,1.4]}}]}', 'inference.GRPCInferenceService/ModelInfer', { modelName: 'classifier', modelVersion: '2', outputs: [{ datatype: 'FP64', shape: ['1', '3'] }] }],
    ['readiness', '{"name":"classifier"}', 'inference.GRPCInferenceService/ModelReady', { ready: true }],
  ])('%s', async (_what, payload, method, answer) => {
    expect(await ask(payload, method)).toMatchObject(answer);
  });
});

test('any bytes are a message or none, and nothing throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (given) => {
      const fields = readMessage(Buffer.from(given));
      if (fields !== null) for (const { number } of fields) [bytesOf(fields, number), varintsOf(fields, number), doublesOf(fields, number)].forEach(() => undefined);
      reflect(Buffer.from(given));
    }),
  );
});

test('messages come out of their framing however the bytes are split', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), fc.array(fc.nat(300), { maxLength: 6 }), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map((message) => frame(Buffer.from(message))));
      const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted((a, b) => a - b);
      const unframer = new Unframer();
      let from = 0;
      const out = ends.flatMap((to) => {
        const taken = unframer.take(bytes.subarray(from, to));
        from = to;
        return taken;
      });
      expect(out.map((message) => [...message])).toEqual(messages.map((message) => [...message]));
    }),
  );
});
