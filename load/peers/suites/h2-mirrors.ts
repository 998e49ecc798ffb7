// h2-mirrors: what looks like a flood of resets and is what RFC 9113 and gRPC's libraries do. Nothing may fail of it: neither the calls, nor the
// long ones that share their connections.
import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { clientPreface, errorCode, flag, frameType } from '../../../gateway/edge/http2/constants.ts';
import { deployments, type FleetPlan } from '../fleet.ts';
import { callFields } from '../grpc-plan.ts';
import { grpcPeersOf } from '../grpc-stage.ts';
import { block, frame, ownSettings, uint32 } from '../h2/frames.ts';
import { Wire, type WireOwner } from '../h2/wire.ts';
import { pause, proxyCore } from '../process.ts';
import { grpcPeersNamed } from '../proxies/grpc.ts';
import { table } from '../report.ts';
import { isChosen, type Suite, type SuiteOptions } from './suite.ts';

interface Mirror {
  readonly title: string;
  readonly perSecond: number;
  /** Fields besides those of a call to the origin; a deployment that nobody declares is answered by the gateway. */
  readonly fields: readonly (readonly [string, string])[];
  readonly known: boolean;
  /** After so long the caller resets its call; 0: it waits for the answer. */
  readonly deadlineMs: number;
}

const mirrors: readonly Mirror[] = [
  { title: 'an upstream that answers whole at the head, and then RST_STREAM(NO_ERROR)', perSecond: 2000, fields: [], known: true, deadlineMs: 0 },
  { title: 'a client whose calls the gateway answers before it has ended them, and its RST_STREAM', perSecond: 2000, fields: [], known: false, deadlineMs: 0 },
  { title: 'a model that hangs, and callers that reset at their deadline of 300 ms', perSecond: 260, fields: [['grpc-timeout', '300m']], known: true, deadlineMs: 300 },
];

const longCalls = 10;
const mostOpen = 100;
const everyMs = 5;
const settleMs = 1000;
const answer = Buffer.concat([Buffer.from([0x88]), block([['content-type', 'application/grpc'], ['grpc-status', '0']])]);
const emptyMessage = Buffer.alloc(5);
const whole = flag.endHeaders | flag.endStream;

/** Answers each call at its head, but those that end there: these are long, and are answered by `endLong`. `hangs`: nothing else is answered. */
class EarlyOrigin {
  hangs = false;
  readonly #long: (() => void)[] = [];
  readonly #server = createServer((socket) => {
    const reset = (id: number): Buffer => frame(frameType.rstStream, 0, id, uint32(errorCode.noError));
    const owner: WireOwner = {
      frame: (type, flags, id) => {
        if (type !== frameType.headers) return;
        const end = (): void => wire!.send(frame(frameType.headers, whole, id, answer));
        if ((flags & flag.endStream) > 0) this.#long.push(end);
        else if (!this.hangs) {
          end();
          wire!.send(reset(id));
        }
      },
      closed: () => {},
    };
    let wire: Wire | null = null;
    let preface = Buffer.alloc(0);
    const begin = (bytes: Buffer): void => {
      preface = Buffer.concat([preface, bytes]);
      if (preface.length < clientPreface.length) return;
      socket.off('data', begin);
      wire = new Wire(socket, owner, [ownSettings]);
      if (preface.length > clientPreface.length) socket.emit('data', preface.subarray(clientPreface.length));
    };
    socket.on('data', begin);
    socket.on('error', () => {});
  });

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  endLong(): void {
    for (const end of this.#long.splice(0)) end();
  }

  close(): void {
    this.#server.close();
  }
}

/** Calls on one connection, and how they ended. */
class Caller implements WireOwner {
  readonly open = new Set<number>();
  answered = 0;
  failed = 0;
  said = '';
  readonly #wire: Wire;
  #nextId = 1;

  constructor(port: number) {
    this.#wire = new Wire(connect({ port, host: '127.0.0.1' }), this, [clientPreface, ownSettings]);
  }

  call(head: Buffer, flags: number): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.open.add(id);
    this.#wire.send(frame(frameType.headers, flag.endHeaders | flags, id, head));
    return id;
  }

  /** Ends the request, which crosses an answer that was given at its head. */
  finish(id: number): void {
    this.#wire.send(frame(frameType.data, flag.endStream, id, emptyMessage));
  }

  reset(id: number): void {
    if (!this.open.delete(id)) return;
    this.answered++;
    this.#wire.send(frame(frameType.rstStream, 0, id, uint32(errorCode.cancel)));
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number): void {
    if (!this.open.has(id)) return;
    if (type === frameType.rstStream) {
      this.open.delete(id);
      this.failed++;
      this.said = `RST_STREAM ${bytes.readUInt32BE(start)}`;
    } else if ((flags & flag.endStream) > 0 && (type === frameType.headers || type === frameType.data)) {
      this.open.delete(id);
      this.answered++;
      // As grpc-go does: it asks for no more, and says no more.
      this.#wire.send(frame(frameType.rstStream, 0, id, uint32(errorCode.noError)));
    }
  }

  closed(sentence: string): void {
    this.said = sentence;
    this.failed += this.open.size;
    this.open.clear();
  }

  end(): void {
    this.failed += this.open.size;
    this.#wire.end();
  }
}

async function hold(mirror: Mirror, origin: EarlyOrigin, port: number, fleet: FleetPlan, ms: number): Promise<readonly string[]> {
  const [deployment] = deployments(fleet);
  const long = block(callFields(deployment!));
  const head = block([...callFields(mirror.known ? deployment! : { ...deployment!, name: 'nobody' }), ...mirror.fields]);
  origin.hangs = mirror.deadlineMs > 0;
  const callers = mirror.deadlineMs > 0 ? [new Caller(port)] : [new Caller(port), new Caller(port)];
  await pause(200);
  for (const caller of callers) for (let i = 0; i < longCalls / callers.length; i++) caller.call(long, flag.endStream);
  const startMs = performance.now();
  let sent = 0;
  for (let passed = 0; passed < ms; passed = performance.now() - startMs) {
    for (const due = Math.floor((passed * mirror.perSecond) / 1000); sent < due; sent++) {
      const caller = callers[sent % callers.length]!;
      // Streams that a client may have at once: a machine that is busy makes it wait.
      if (caller.open.size >= mostOpen) break;
      const id = caller.call(head, 0);
      if (mirror.known) caller.finish(id);
      if (mirror.deadlineMs > 0) setTimeout(() => caller.reset(id), mirror.deadlineMs);
    }
    await pause(everyMs);
  }
  await pause(settleMs);
  origin.endLong();
  await pause(settleMs);
  for (const caller of callers) caller.end();
  const failed = callers.reduce((sum, caller) => sum + caller.failed, 0);
  const cells = [mirror.title, String(mirror.perSecond), String(sent), String(longCalls), String(failed), callers.map(({ said }) => said).filter((said) => said !== '').join('; ') || '–'];
  console.error(cells.join(', '));
  return cells;
}

async function run(options: SuiteOptions): Promise<string> {
  const origin = new EarlyOrigin();
  const port = await origin.listen();
  const fleet: FleetPlan = { deployments: options.deployments, addresses: 'shared', mainPort: port, canaryPort: port };
  const parts: string[] = [];
  for (const kind of grpcPeersNamed(grpcPeersOf(options))) {
    const folder = join(options.folder, kind.name);
    mkdirSync(folder, { recursive: true });
    const peer = await kind.start({ fleet, folder, core: proxyCore });
    const rows: (readonly string[])[] = [];
    for (const mirror of mirrors.filter(({ title }) => isChosen(options, title))) rows.push(await hold(mirror, origin, peer.port, fleet, options.measureMs));
    await peer.stop();
    parts.push(`## ${kind.name}`, table(['mirror', 'calls a second', 'calls', 'long calls beside them', 'failed', 'said'], rows));
  }
  origin.close();
  return [`Two connections of clients (one for deadlines) for ${options.measureMs / 1000} s each, with long calls beside the others. Bar: 0 failed, the long ones among them.`, ...parts].join('\n\n');
}

export const h2Mirrors: Suite = { name: 'h2-mirrors', does: 'resets that are no flood: nothing fails of them', deployments: 10, run };
