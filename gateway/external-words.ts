// External services as `explain` tells them: who is asked, and what holds where nobody can be.
import type { ExternalServices } from '../routing/external-services.ts';
import type { StepName } from './steps.ts';

/** Who is asked whether the request may come. */
export function authWords(steps: readonly StepName[], { auth }: ExternalServices): readonly string[] {
  if (!steps.includes('external-auth') || auth.kind === 'none') return [];
  if (auth.kind === 'closed') return ['nobody: the AuthService cannot be read (500)'];
  const { proto, places, timeoutMs, failureModeAllow, statusOnError, body } = auth.service;
  const shown = body === null ? '' : `, with ${body.maxBytes} bytes of the body${body.allowPartial ? '' : ' at most'}`;
  const away = failureModeAllow ? 'the request goes on' : `it is answered ${statusOnError}`;
  return [`as the AuthService says (${proto} ${places.map(({ authority }) => authority).join(', ')}${shown}; without an answer in ${timeoutMs} ms ${away})`];
}

/** Who is asked how many may come. */
export function limitServiceWords(steps: readonly StepName[], { rateLimit }: ExternalServices): readonly string[] {
  if (!steps.includes('rate-limit-service') || rateLimit.kind === 'none') return [];
  if (rateLimit.kind === 'closed') return ['limits: none is let through: the RateLimitService cannot be read (500)'];
  const { place, domain, timeoutMs, failureModeDeny } = rateLimit.service;
  return [`limits: as the RateLimitService says (${place.authority}, domain ${domain}; without an answer in ${timeoutMs} ms ${failureModeDeny ? 'it is answered 500' : 'the request goes on'})`];
}
