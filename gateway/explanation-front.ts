// What becomes of a request before a Route is looked for, by what the configuration says of every request. As gateway/edge/message/front-look.ts does it.
import type { FrontSettings } from '../routing/table-change.ts';
import { failures } from './failures.ts';
import type { Failure } from './failures.ts';

/** The parts of a request that are looked at. */
interface Seen {
  /** As sent, with its query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** The request as Routes see it, or why they do not. `front` null: it is as sent. */
export function throughFront<R extends Seen>(request: R, front: FrontSettings | null): R | Failure {
  if (front === null) return request;
  if (front.refusesEscapedSlashes && /%(?:2f|5c)/i.test(request.path.split('?', 1)[0]!)) return failures.escapedSlash;
  if (front.underscores === 'allow' || !request.headers.some(([name]) => name.includes('_'))) return request;
  return front.underscores === 'refuse' ? failures.underscoreName : { ...request, headers: request.headers.filter(([name]) => !name.includes('_')) };
}
