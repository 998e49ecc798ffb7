// The provider `basic`: callers show a user and a password (RFC 7617).
import type { PasswordHash } from './passwords.ts';

export interface BasicProvider {
  readonly kind: 'basic';
  /** The credentials go on to the model. */
  readonly forwardsCredentials: boolean;
  /** By name. */
  readonly users: Readonly<Record<string, PasswordHash>>;
}
