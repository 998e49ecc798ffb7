// What one of several may take of what they share.

/**
 * May one that holds `own` take `more` of what all share, of which `used` is in use? As much as is free: one alone gets half, and however
 * many ask for all they can, the next one still finds room (dynamic thresholds: Choudhury and Hahne, 1998).
 */
export function mayTake(own: number, more: number, used: number, total: number): boolean {
  return own + more <= total - used;
}
