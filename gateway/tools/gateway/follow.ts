// A stream of server-sent events from the admin port of one gateway. Whatever is at the other end, each event is a value of the shape asked for, or the stream ends with one sentence.
import type { IncomingMessage } from "node:http";
import { Value } from "typebox/value";
import { Type, type Shape, type Shaped } from "../../api/shape.ts";
import { askBounds, reasonOf, refusalIn, send, textOf, wrongQuestion } from "./ask.ts";
import type { Gateway } from "./gateway.ts";

/** The admin port says something every 5 s. */
const silentMs = 20_000;
/** Of one event. */
const maxEventLength = 1024 * 1024;
const droppedShape = Type.Object({ count: Type.Number() });
const noteShape = Type.Object({ sentence: Type.String() });

export interface Followed<S extends Shape> {
  /** With its query. */
  readonly path: string;
  readonly adminToken: string | null;
  /** Name of its events, and what they hold. */
  readonly event: string;
  readonly shape: S;
  /** Nothing is missed from now on. false: the stream ends. */
  readonly opened: () => Promise<boolean>;
  readonly take: (value: Shaped<S>) => void;
  /** What the gateway says of the stream. */
  readonly note: (sentence: string) => void;
  /** So many events were dropped, because they came faster than they were read. */
  readonly dropped: (count: number) => void;
}

/** Gives one sentence: why the stream has ended, or could not be opened. Never rejects. */
export async function follow<S extends Shape>(
  gateway: Gateway,
  followed: Followed<S>,
  limitMs = silentMs,
): Promise<string> {
  const { name } = gateway;
  const wrong = wrongQuestion(gateway, followed);
  if (wrong !== null) return wrong;
  const ending = new AbortController();
  let timer = setTimeout(() => ending.abort(), limitMs);
  const question = { ...followed, method: "GET", body: null, accept: "text/event-stream" } as const;
  try {
    const response = await send(gateway, question, ending.signal);
    const { statusCode = 0, headers } = response;
    if (statusCode !== 200)
      return refusalIn(gateway, followed, statusCode, (await textOf(response, askBounds.answerBytes)) ?? "");
    if (headers["content-type"] !== "text/event-stream")
      return `${name} answers no stream of events, so it is no admin port of Sluice: write --url with the address of one`;
    response.on("data", () => {
      clearTimeout(timer);
      timer = setTimeout(() => ending.abort(), limitMs);
    });
    return await read(gateway, response, followed);
  } catch (error) {
    if (ending.signal.aborted) return `${name} has said nothing for ${limitMs / 1000} s`;
    return error instanceof Error && "code" in error && error.code === "ECONNRESET"
      ? `${name} ended the stream`
      : `${name} does not answer (${reasonOf(error)}): write --url with the address of the admin port`;
  } finally {
    clearTimeout(timer);
    ending.abort();
  }
}

async function read<S extends Shape>(
  { name }: Gateway,
  response: IncomingMessage,
  followed: Followed<S>,
): Promise<string> {
  response.setEncoding("utf8");
  if (!(await followed.opened())) return `${name} was left`;
  let text = "";
  for await (const piece of response as AsyncIterable<string>) {
    text += piece;
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    if (text.length > maxEventLength) return `${name} sends an event of more than ${maxEventLength} characters`;
    for (const block of blocks) {
      const wrong = takeEvent(block, followed);
      if (wrong !== null) return `${name} ${wrong}`;
    }
  }
  return `${name} ended the stream`;
}

/** A predicate: the event is not one of ours. */
function takeEvent<S extends Shape>(block: string, { event, shape, take, note, dropped }: Followed<S>): string | null {
  const name = /^event: (.*)$/m.exec(block)?.[1];
  const json = /^data: (.*)$/m.exec(block)?.[1];
  if (name === undefined || json === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (name === event && Value.Check(shape, value)) take(value as Shaped<S>);
  else if (name === "note" && Value.Check(noteShape, value)) note(value.sentence);
  else if (name === "dropped" && Value.Check(droppedShape, value)) dropped(value.count);
  else return "sends events in a form that this sluice does not know: use the sluice of the gateway's version";
  return null;
}
