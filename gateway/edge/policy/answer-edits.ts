// What the head of an answer gets beside what the upstream said: the Mapping's edits, with variables filled in, fields of CORS, a sticky cookie.
import type { Answer } from '../message/answers.ts';
import type { Attachment } from './compiled-mapping.ts';
import { corsOf } from './cors.ts';
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

  /** Makes the edits of a Mapping for this request. An answer: it was a preflight, and this is all it gets. */
  begin(head: Http1RequestHead, attachment: Attachment, facts: ClientFacts): Answer | null {
    this.edits = editsFor(attachment.responseEdits, head, facts);
    const verdict = attachment.cors === null ? null : corsOf(attachment.cors, head);
    if (verdict === null) return null;
    if (verdict.kind === 'preflight') return { code: 200, contentType: '', body: '', fields: verdict.fields };
    this.#extra = verdict.extra;
    this.edits = withFields(this.edits, verdict.extra);
    return null;
  }

  /** The upstream's answer sets this cookie as well. */
  setCookie(cookie: string): void {
    this.edits = withFields(this.edits, { instead: [], fields: [['set-cookie', cookie]] });
  }

  /** An answer of the gateway itself, with what any answer gets. */
  completed(answer: Answer): Answer {
    return this.#extra === null ? answer : { ...answer, fields: [...answer.fields, ...this.#extra.fields] };
  }
}
