// Clients that are slow, greedy or gone: each kind opens one connection after the other and tells what became of it.
import { connect, type Socket } from 'node:net';
import { predictionBody, predictionHead } from '../fleet.ts';
import type { SlowTargets, Tally } from './soak-plan.ts';

const body = predictionBody(70);

/**
 * So long nobody reads. The kernel takes bytes for some seconds, up to 4 MB, though nobody reads them; then it takes no more, and the gateway cuts the
 * connection, of which a socket that does not read hears nothing. Then what was sent is read to the end.
 */
const unreadMs = 20_000;

/** Statuses and other outcomes that a kind may end with. */
interface Kind {
  readonly name: string;
  readonly allowed: readonly string[];
  /** Sends; returns timers to stop when the connection ends. `leave` ends it with an outcome; an outcome of null is not counted. */
  readonly begin: (socket: Socket, targets: SlowTargets, leave: (outcome: string | null) => void) => readonly NodeJS.Timeout[];
}

function request(prefix: string, length: number): string {
  return predictionHead(prefix, `Content-Length: ${length}`, []);
}

function after(ms: number, act: () => void): NodeJS.Timeout {
  return setTimeout(act, ms);
}

/** Writes one byte every `everyMs`. */
function drip(socket: Socket, text: string, everyMs: number): NodeJS.Timeout {
  let at = 0;
  const timer = setInterval(() => {
    if (at < text.length) socket.write(text[at++]!);
    else clearInterval(timer);
  }, everyMs);
  return timer;
}

const kinds: readonly Kind[] = [
  { name: 'slow head', allowed: ['408'], begin: (socket, { plain }) => [drip(socket, request(plain, body.length), 100)] },
  { name: 'byte by byte', allowed: ['200'], begin: (socket, { plain }) => [drip(socket, `${request(plain, body.length)}${body}`, 2)] },
  {
    name: 'stalled body',
    allowed: ['408'],
    begin: (socket, { plain }) => {
      socket.write(`${request(plain, 1000)}${body}`);
      return [];
    },
  },
  {
    name: 'leaves while it waits',
    allowed: ['aborted'],
    begin: (socket, { hanging }, leave) => {
      socket.write(`${request(hanging, body.length)}${body}`);
      return [after(150, () => leave('aborted'))];
    },
  },
  {
    name: 'leaves in its body',
    allowed: ['aborted'],
    begin: (socket, { plain }, leave) => {
      socket.write(`${request(plain, 1000)}${body}`);
      return [after(150, () => leave('aborted'))];
    },
  },
  {
    name: 'does not read',
    allowed: ['stalled'],
    begin: (socket, { huge }, leave) => {
      socket.write(`${request(huge, body.length)}${body}`);
      return [after(45_000, () => leave('never cut'))];
    },
  },
  { name: 'says nothing', allowed: [], begin: (_socket, _targets, leave) => [after(1000, () => leave(null))] },
];

export class SlowClients {
  readonly #port: number;
  readonly #targets: SlowTargets;
  readonly #tally: Tally;
  #open = 0;
  #stopping = false;
  #ended: (() => void) | null = null;

  constructor(port: number, targets: SlowTargets, tally: Tally) {
    this.#port = port;
    this.#targets = targets;
    this.#tally = tally;
  }

  start(ofEachKind: number): void {
    for (const kind of kinds) for (let i = 0; i < ofEachKind; i++) this.#begin(kind);
  }

  /** Begins no more; resolves when the last has ended by itself. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
  }

  #begin(kind: Kind): void {
    this.#open++;
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    let timers: readonly NodeJS.Timeout[] = [];
    let text = '';
    let received = 0;
    let over = false;
    const end = (outcome: string | null): void => {
      if (over) return;
      over = true;
      for (const timer of timers) clearTimeout(timer);
      socket.destroy();
      if (outcome !== null) {
        this.#tally.requests++;
        this.#tally.add(kind.name, outcome);
        if (!kind.allowed.includes(outcome)) this.#tally.wrong(`${kind.name}: ${outcome} after ${received} bytes: ${text.slice(0, 200)}`);
      }
      this.#open--;
      if (!this.#stopping) setTimeout(() => this.#begin(kind), 20);
      else if (this.#open === 0) this.#ended?.();
    };
    socket.setEncoding('latin1').on('error', () => {});
    const take = (piece: string): void => {
      received += piece.length;
      if (text.length > 4096) return;
      text += piece;
      const [head, rest] = text.split('\r\n\r\n');
      const length = Number(/\r\ncontent-length: (\d+)/iu.exec(head!)?.[1] ?? Number.NaN);
      if (rest !== undefined && rest.length >= length) end(text.slice(9, 12));
    };
    socket.once('close', () => end(kind.allowed.includes('stalled') ? 'stalled' : 'cut'));
    socket.once('connect', () => {
      timers = kind.begin(socket, this.#targets, end);
      // Without a listener a socket is not read from.
      if (kind.allowed.includes('stalled')) timers = [...timers, after(unreadMs, () => socket.on('data', take))];
      else socket.on('data', take);
    });
  }
}
