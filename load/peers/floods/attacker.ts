// The attackers of the flood suite, in a process of their own. They take no window and no answer into account; when they are closed, they come again.
import { connect, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { frameType } from '../../../gateway/edge/http2/constants.ts';
import { answerQuestions } from '../child.ts';
import { attackOf } from './attacks.ts';
import type { FloodQuestion, FloodReport } from './floods.ts';

/** The neighbour whose latency is judged runs on the same core, and goes first. */
setPriority(19);

const mostQueuedBytes = 256 * 1024;
const comeAgainMs = 10;
/** One byte at a time is slow by nature. */
const creditEveryMs = 1;

/** Code of a GOAWAY among the frames that came; null: none. The start of the last incomplete frame is kept. */
class GoAwayReader {
  #held: Buffer = Buffer.alloc(0);
  code: number | null = null;

  read(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    while (this.#held.length >= 9) {
      const end = 9 + this.#held.readUIntBE(0, 3);
      if (this.#held.length < end) return;
      if (this.#held[3] === frameType.goAway) this.code = this.#held.readUInt32BE(13);
      this.#held = this.#held.subarray(end);
    }
  }
}

class Flood {
  readonly #question: FloodQuestion;
  readonly #sockets = new Set<Socket>();
  readonly #closed: Record<string, number> = {};
  #frames = 0;
  #opened = 0;
  #longestMs = 0;
  #over = false;

  constructor(question: FloodQuestion) {
    this.#question = question;
  }

  async run(): Promise<FloodReport> {
    const { kind, connections, ms } = this.#question;
    if (kind !== 'nothing') for (let i = 0; i < connections; i++) this.#attack();
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    this.#over = true;
    for (const socket of this.#sockets) socket.destroy();
    return { frames: this.#frames, opened: this.#opened, closed: this.#closed, longestMs: Math.round(this.#longestMs) };
  }

  #attack(): void {
    const { kind, port, fields } = this.#question;
    const attack = attackOf(kind, fields);
    const reader = new GoAwayReader();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#sockets.add(socket);
    this.#opened++;
    const startedMs = performance.now();
    const pump = (): void => {
      if (this.#over || socket.destroyed || !socket.writable) return;
      const piece = socket.writableLength < mostQueuedBytes ? attack.next() : null;
      if (piece !== null) {
        this.#frames += piece.frames;
        socket.write(piece.bytes);
      }
      if (kind === '1-byte windows' || piece === null) setTimeout(pump, creditEveryMs);
      else setImmediate(pump);
    };
    socket.once('connect', () => {
      socket.write(attack.opening);
      pump();
    });
    socket.on('data', (bytes: Buffer) => reader.read(bytes));
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#over) return;
      const how = reader.code === null ? 'cut' : `GOAWAY ${reader.code}`;
      this.#closed[how] = (this.#closed[how] ?? 0) + 1;
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startedMs);
      setTimeout(() => {
        if (!this.#over) this.#attack();
      }, comeAgainMs);
    });
  }
}

answerQuestions((question: FloodQuestion) => new Flood(question).run());
