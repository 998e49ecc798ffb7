import { describe, expect, test } from 'vitest';
import { eventOf, ProblemEvents, type ProblemEventTimes } from '../../../gateway/control/problem-events.ts';
import type { EventWriter, ProblemEvent } from '../../../k8s/source/source.ts';
import type { Problem } from '../../../routing/problem.ts';

const problem = (name: string, sentence = 'wrong', level: Problem['level'] = 'error'): Problem => ({ code: 'bad-timeout', level, subject: { kind: 'SeldonDeployment', namespace: 'prod', name }, field: 'spec.x', sentence });

/** Remembers what was written, and lets a test wait for a number of them. */
class Remembering implements EventWriter {
  readonly written: ProblemEvent[] = [];
  answer: Awaited<ReturnType<EventWriter['write']>> = 'written';
  #waiting: (() => void)[] = [];

  async write(event: ProblemEvent): Promise<typeof this.answer> {
    this.written.push(event);
    for (const wake of this.#waiting.splice(0)) wake();
    return this.answer;
  }

  async until(count: number): Promise<void> {
    while (this.written.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

const quick: ProblemEventTimes = { betweenMs: 1, againMs: 60_000, forbiddenMs: 60_000 };

function start(times: Partial<ProblemEventTimes> = {}): { events: ProblemEvents; writer: Remembering; logged: string[] } {
  const writer = new Remembering();
  const logged: string[] = [];
  return { events: new ProblemEvents(writer, { ...quick, ...times }, { write: (_, event) => logged.push(event), flush: () => {} }), writer, logged };
}

describe('the event of a Problem', () => {
  test('is named by object, code and field, whatever else it says', () => {
    const { name } = eventOf(problem('iris'));
    expect(name).toMatch(/^sluice-[0-9a-f]{20}$/);
    expect(eventOf(problem('iris', 'other words', 'warning')).name).toBe(name);
    expect(eventOf(problem('other')).name).not.toBe(name);
    expect(eventOf({ ...problem('iris'), field: 'spec.y' }).name).not.toBe(name);
    expect(eventOf({ ...problem('iris'), code: 'x' }).name).not.toBe(name);
  });

  test('has the code as its reason, and field and sentence as its message', () => {
    expect(eventOf(problem('iris'))).toMatchObject({ type: 'Warning', reason: 'BadTimeout', message: 'spec.x: wrong' });
    expect(eventOf({ ...problem('iris'), field: '' }).message).toBe('wrong');
  });

  test.each([[1000, 1000], [1001, 1000], [990, 990]])('of %i bytes has %i', (bytes, kept) => {
    const { message } = eventOf({ ...problem('iris', 'x'.repeat(bytes)), field: '' });
    expect(Buffer.byteLength(message)).toBe(kept);
    expect(Buffer.byteLength(eventOf({ ...problem('iris', 'ü'.repeat(bytes)), field: '' }).message)).toBeLessThanOrEqual(1000);
  });
});

describe('Problems', () => {
  test('are written once each; what only informs, or has no namespace, is not', async () => {
    const { events, writer } = start();
    const problems = [problem('a'), problem('b', 'w', 'warning'), problem('c', 'i', 'info'), { ...problem('d'), subject: { kind: 'File', namespace: '', name: 'd' } }];
    events.take(problems);
    await writer.until(2);
    events.take(problems);
    events.take([...problems, problem('last')]);
    await writer.until(3);
    expect(writer.written.map(({ subject }) => subject.name)).toEqual(['a', 'b', 'last']);
  });

  test('are written again when they say something else, and when their time has come', async () => {
    const { events, writer } = start({ againMs: 20 });
    events.take([problem('a')]);
    await writer.until(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    events.take([problem('a', 'else')]);
    await writer.until(2);
    expect(writer.written[1]!.message).toBe('spec.x: else');
    const repeating = setInterval(() => events.take([problem('a', 'else')]), 5);
    await writer.until(3);
    clearInterval(repeating);
  });

  test('are not written for a while where events are forbidden, and that is said once', async () => {
    const { events, writer, logged } = start();
    writer.answer = 'forbidden';
    events.take([problem('a'), problem('b')]);
    await writer.until(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    events.take([problem('a'), problem('b'), problem('c')]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(writer.written).toHaveLength(1);
    expect(logged).toEqual(['events-forbidden']);
  });

  test('beyond 5000 are left to /api/problems', async () => {
    const { events, writer } = start({ betweenMs: 0 });
    events.take(Array.from({ length: 5001 }, (_, at) => problem(`d${at}`)));
    await writer.until(5000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(writer.written).toHaveLength(5000);
  });
});
