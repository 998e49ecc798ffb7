// Ambassador's kinds that Sluice does not have, and what is lost with each.
import { quoted } from './value.ts';

const lostKinds: Readonly<Record<string, string>> = {
  Module: 'its defaults do not apply',
  Host: 'its TLS termination and redirects do not apply',
  Listener: 'its ports do not open',
  AuthService: 'requests are not authenticated',
  RateLimitService: 'requests are not rate limited',
  TracingService: 'requests are not traced',
  LogService: 'requests are not logged there',
  TCPMapping: 'its port is not served',
};

/** Said of an object or document of such a kind. */
export function lostWith(kind: string): string {
  return `the kind ${quoted(kind)} is not served (${Object.hasOwn(lostKinds, kind) ? lostKinds[kind]! : 'nothing of it applies'}); remove it, or keep another gateway for it`;
}
