// Ticket keys: what seals the sessions that clients go on from. Each worker derives them from the same seed and the time, so that a client resumes at any
// worker, and at any replica that has the seed, and keys change without anybody telling anybody.
import { createHmac } from "node:crypto";

/** How long a key seals. What it sealed is opened for as long again. */
export const ticketPeriodMs = 12 * 3_600_000;

/** 48 bytes, as OpenSSL takes them: 16 of name, 16 for the HMAC, 16 for AES. */
export interface TicketKey {
  readonly bytes: Buffer;
  /** Which it is, for who keeps what was made with it. */
  readonly id: string;
}

/** The keys at this time: the first seals, all open. Those of the next period are of replicas whose clocks are ahead. `seeds`: one or more, of 32 bytes. */
export function ticketKeys(seeds: readonly Uint8Array[], nowMs: number): readonly TicketKey[] {
  const period = Math.floor(nowMs / ticketPeriodMs);
  return [period, period - 1, period + 1].flatMap((of) => seeds.map((seed) => ticketKey(seed, of)));
}

/** The key of this name, or the one that seals. */
export function keyNamed(keys: readonly TicketKey[], name: Buffer | null): TicketKey {
  const sealing = keys[0]!;
  if (name === null) return sealing;
  return keys.find(({ bytes }) => name.equals(bytes.subarray(0, name.length))) ?? sealing;
}

function ticketKey(seed: Uint8Array, period: number): TicketKey {
  const bytes = createHmac("sha512", seed).update(`sluice ticket key ${period}`).digest().subarray(0, 48);
  return { bytes, id: bytes.toString("hex", 0, 16) };
}
