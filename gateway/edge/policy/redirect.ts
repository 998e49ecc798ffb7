// Redirects: `host_redirect` and its companions, answered here.
import { textOf } from '../../../routing/bytes.ts';
import type { RequestHead } from '../../../routing/head.ts';
import type { RedirectTarget } from '../../../routing/mapping.ts';
import type { PathMatch } from '../../../routing/match.ts';
import { redirectPath } from '../../../routing/rewrite.ts';
import type { Answer } from '../message/answers.ts';

/** The answer of a redirect: scheme and, unless it names one, host are the request's. */
export function redirectAnswer(target: RedirectTarget, match: PathMatch, head: RequestHead, secure: boolean): Answer {
  const path = textOf(head.pathBytes, head.pathStart, head.pathEnd);
  const query = textOf(head.pathBytes, head.queryStart, head.queryEnd);
  const host = target.host === '' ? textOf(head.bytes, head.authorityStart, head.authorityEnd) : target.host;
  const location = `${secure ? 'https' : 'http'}://${host}${redirectPath(target, match, path, query)}`;
  return { code: target.code, contentType: 'text/plain', body: '', fields: [['location', oneLine(location)]] };
}

/** What may not stand in a header, percent-encoded: neither a path nor a manifest can begin another line. */
function oneLine(text: string): string {
  return text.replace(/[^!-~]/gu, (character) => encodeURIComponent(character));
}
