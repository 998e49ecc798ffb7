// What the head of an answer gets beside what the upstream said: the Mapping's edits, with variables filled in, and what steps add.
import { identified } from '../message/answers.ts';
import type { Answer } from '../message/answers.ts';
import type { Attachment } from './compiled-mapping.ts';
import { withFields } from '../message/header-edits.ts';
import type { CompiledEdits, ExtraFields } from '../message/header-edits.ts';
import type { Http1RequestHead } from '../message/request-head.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import { editsFor } from '../message/request-values.ts';

/** Kept in its exchange and begun anew for each request. */
export class AnswerEdits {
  /** Edits of an upstream's answer; null: none. */
  edits: CompiledEdits | null = null;
  /** What any answer to this request gets; null: nothing. */
  #extra: ExtraFields | null = null;

  reset(): void {
    this.edits = null;
    this.#extra = null;
  }

  /** Begins with the edits of a Mapping for this request. */
  begin(head: Http1RequestHead, attachment: Attachment, facts: ClientFacts): void {
    this.edits = editsFor(attachment.responseEdits, head, facts);
  }

  /** Any answer gets these fields as well. */
  add(extra: ExtraFields): void {
    this.#extra = this.#extra === null ? extra : { instead: [...this.#extra.instead, ...extra.instead], fields: [...this.#extra.fields, ...extra.fields] };
    this.edits = withFields(this.edits, extra);
  }

  /** The upstream's answer sets this cookie as well. */
  setCookie(cookie: string): void {
    this.edits = withFields(this.edits, { instead: [], fields: [['set-cookie', cookie]] });
  }

  /** An answer of the gateway itself, with what any answer gets, and the id of its request; "": without it. */
  completed(answer: Answer, requestId: string): Answer {
    const edited = this.#extra === null ? answer : { ...answer, fields: [...answer.fields, ...this.#extra.fields] };
    return requestId === '' ? edited : identified(edited, requestId);
  }
}
