// What the head of an answer gets beside what the upstream said: the Mapping's edits, with variables filled in, and what steps add.
import { identified, type Answer } from "../message/answers.ts";
import type { CompiledMapping } from "./compiled-mapping.ts";
import { withFields, type CompiledEdits, type ExtraFields } from "../message/header-edits.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { editsFor } from "../message/request-values.ts";

const noFields: ExtraFields["fields"] = Object.freeze([]);

/** Kept in its exchange and begun anew for each request. */
export class AnswerEdits {
  /** Edits of an upstream's answer; null: none. */
  edits: CompiledEdits | null = null;
  /** What any answer to this request gets; null: nothing. */
  #extra: ExtraFields | null = null;
  /** Fields for the upstream's answer alone. */
  #cookies: ExtraFields["fields"] = noFields;
  // How much of these there was before the step that is asked.
  #insteadBefore = 0;
  #fieldsBefore = 0;
  #cookiesBefore = 0;

  reset(): void {
    this.edits = null;
    this.#extra = null;
    this.#cookies = noFields;
  }

  /** Begins with the edits of a Mapping for this request. */
  begin(head: WireRequestHead, compiled: CompiledMapping, facts: ClientFacts): void {
    this.edits = editsFor(compiled.responseEdits, head, facts);
    this.#addAll();
  }

  /** The next step is asked. */
  nextStep(): void {
    this.#insteadBefore = this.#extra === null ? 0 : this.#extra.instead.length;
    this.#fieldsBefore = this.#extra === null ? 0 : this.#extra.fields.length;
    this.#cookiesBefore = this.#cookies.length;
  }

  /** Another Mapping is looked for: nothing stays of this one and its steps but what the last of them has added. */
  beginAgain(): void {
    this.edits = null;
    const extra = this.#extra;
    if (extra !== null)
      this.#extra = {
        instead: extra.instead.slice(this.#insteadBefore),
        fields: extra.fields.slice(this.#fieldsBefore),
      };
    this.#cookies = this.#cookies.slice(this.#cookiesBefore);
    this.#addAll();
  }

  #addAll(): void {
    if (this.#extra !== null) this.edits = withFields(this.edits, this.#extra);
    if (this.#cookies.length > 0) this.edits = withFields(this.edits, { instead: [], fields: this.#cookies });
  }

  /** Any answer gets these fields as well. */
  add(extra: ExtraFields): void {
    this.#extra =
      this.#extra === null
        ? extra
        : { instead: [...this.#extra.instead, ...extra.instead], fields: [...this.#extra.fields, ...extra.fields] };
    this.edits = withFields(this.edits, extra);
  }

  /** The upstream's answer sets this cookie as well. */
  setCookie(cookie: string): void {
    const fields = [["set-cookie", cookie]] as const;
    this.#cookies = [...this.#cookies, ...fields];
    this.edits = withFields(this.edits, { instead: [], fields });
  }

  /** An answer of the gateway itself, with what any answer gets, and the id of its request; "": without it. */
  completed(answer: Answer, requestId: string): Answer {
    const edited = this.#extra === null ? answer : { ...answer, fields: [...answer.fields, ...this.#extra.fields] };
    return requestId === "" ? edited : identified(edited, requestId);
  }
}
