// A model server that counts what it gets by id and closes idle connections without a word: the process of the stale-race suite.
import { createServer, type Socket } from 'node:net';
import { answerOf } from '../fleet.ts';
import { answerQuestions } from '../child.ts';
import { seededRandom } from '../random.ts';
import { idField, nearMs, type OriginQuestion, type OriginReport } from './counting.ts';

const random = seededRandom(11);
const answer = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answerOf('main').length}\r\n\r\n${answerOf('main')}`);

let idleCloseMs: readonly [number, number] = [2000, 2000];
let seen = new Uint8Array(0);
let port = 0;
let received = 0;
let duplicates = 0;
let connections = 0;
let nearClose = 0;

function serve(socket: Socket): void {
  connections++;
  const limitMs = idleCloseMs[0] + random() * (idleCloseMs[1] - idleCloseMs[0]);
  let idleSinceMs = 0;
  let text = '';
  let timer = setTimeout(() => socket.end(), limitMs);
  socket.setNoDelay(true).setEncoding('latin1');
  socket.on('error', () => {}).on('close', () => clearTimeout(timer));
  socket.on('data', (piece: string) => {
    if (text === '' && idleSinceMs > 0 && performance.now() - idleSinceMs >= limitMs - nearMs) nearClose++;
    clearTimeout(timer);
    text += piece;
    const headEnd = text.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: (\d+)/iu.exec(text)?.[1] ?? Number.NaN);
    if (headEnd < 0 || !(text.length >= headEnd + 4 + length)) return;
    const id = Number(new RegExp(`\\r\\n${idField}: (\\d+)`, 'iu').exec(text)?.[1] ?? Number.NaN);
    received++;
    if (!(id < seen.length) || seen[id]! > 0) duplicates++;
    seen[id] = 1;
    text = '';
    socket.write(answer);
    idleSinceMs = performance.now();
    timer = setTimeout(() => socket.end(), limitMs);
  });
}

const server = createServer({ allowHalfOpen: false }, serve);

answerQuestions(async (question: OriginQuestion): Promise<OriginReport> => {
  if (question.kind === 'begin') {
    if (port === 0) {
      await new Promise<void>((resolve) => {
        server.listen({ host: '0.0.0.0', port: 0, backlog: 4096 }, resolve);
      });
      const address = server.address();
      port = typeof address === 'object' && address !== null ? address.port : 0;
    }
    ({ idleCloseMs } = question);
    seen = new Uint8Array(question.requests);
    [received, duplicates, connections, nearClose] = [0, 0, 0, 0];
  }
  return { port, received, duplicates, connections, nearClose };
});
