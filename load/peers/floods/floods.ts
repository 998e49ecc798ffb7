// What the flood suite and its attackers say to each other.

export const floods = {
  'nothing': 'no attack: what the gateway does by itself',
  'rapid reset': 'requests that are cancelled at once (CVE-2023-44487)',
  'MadeYouReset': 'requests followed by a mistake that makes the server reset them (CVE-2025-8671)',
  'CONTINUATION': 'a header block that never ends (CVE-2024-27316)',
  'PING': 'pings',
  'SETTINGS': 'settings that must be acknowledged',
  'empty DATA': 'DATA without a byte and without an end',
  'WINDOW_UPDATE': 'credit by the byte',
  'unknown frames': 'frames of a type that nobody knows',
  'acknowledgements': 'acknowledgements of SETTINGS and PING that nobody waits for',
  'repeated resets': 'the same stream reset again and again',
  'PRIORITY': 'priorities of streams that do not exist',
  'HPACK bomb': 'references to one large entry: 16 kB that mean 64 MB',
  'zero window': 'requests for answers that are never taken',
  '1-byte windows': 'answers taken one byte at a time',
  'unfinished prefaces': 'connections that stop in the middle of the preface',
} as const;

export type FloodKind = keyof typeof floods;

export interface FloodQuestion {
  readonly kind: FloodKind;
  readonly port: number;
  readonly connections: number;
  readonly ms: number;
  /** Of a call that is routed. */
  readonly fields: readonly (readonly [string, string])[];
}

export interface FloodReport {
  readonly frames: number;
  /** Connections that were opened: after each close by the peer another one comes. */
  readonly opened: number;
  /** Of them, closed by the peer: by GOAWAY code, or `cut` without one. */
  readonly closed: Readonly<Record<string, number>>;
  /** The longest time from a connection's first frame to its close, ms; 0: none was closed. */
  readonly longestMs: number;
}
