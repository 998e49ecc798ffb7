// The demo's gRPC model server, asked by somebody else's client, and its messages.
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Unframer, frame } from '../../gateway/demo/grpc-messages.ts';
import { createGrpcServer } from '../../gateway/demo/grpc-server.ts';
import { bytesOf, doublesOf, readMessage, varintsOf } from '../../gateway/demo/protobuf.ts';
import { reflect, reflectionPaths } from '../../gateway/demo/reflection.ts';
import { descriptor, predictPath, services, tensorMessage, versionOf } from '../../gateway/demo/seldon-messages.ts';

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

  test.each([
    ['an empty message', Buffer.alloc(0)],
    ['a row of three', tensorMessage([[1, 2, 3]])],
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
    expect(listed.map(({ value }) => bytesOf(readMessage(value as Buffer)!, 1)!.toString())).toEqual(services);
    const described = readMessage(bytesOf(readMessage(await ask(4, 'seldon.protos.Seldon'))!, 4)!)!;
    expect(bytesOf(described, 1)).toEqual(descriptor);
    const unknown = readMessage(bytesOf(readMessage(await ask(4, 'nobody.Nothing'))!, 7)!)!;
    expect(varintsOf(unknown, 1)).toEqual([status.NOT_FOUND]);
    stream.end();
    await once(stream, 'status');
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
