// Counts drawn at once, so that a simulation pays for looks and not for requests.

/** A number of successes of `trials` with this chance. Exact where fewer than 30 are expected (inversion), else by the normal distribution. */
export function binomial(trials: number, chance: number, draw: () => number): number {
  if (trials <= 0 || chance <= 0) return 0;
  if (chance >= 1) return trials;
  if (chance > 0.5) return trials - binomial(trials, 1 - chance, draw);
  const expected = trials * chance;
  if (expected >= 30)
    return Math.min(trials, Math.max(0, Math.round(expected + normal(draw) * Math.sqrt(expected * (1 - chance)))));
  const odds = chance / (1 - chance);
  let probability = (1 - chance) ** trials;
  let left = draw() - probability;
  let count = 0;
  while (left >= 0 && count < trials) {
    count += 1;
    probability *= (odds * (trials - count + 1)) / count;
    left -= probability;
  }
  return count;
}

/** A number of events of which `expected` are expected. */
export function poisson(expected: number, draw: () => number): number {
  if (expected >= 30) return Math.max(0, Math.round(expected + normal(draw) * Math.sqrt(expected)));
  let probability = Math.exp(-expected);
  let left = draw() - probability;
  let count = 0;
  while (left >= 0 && count < 1000) {
    count += 1;
    probability *= expected / count;
    left -= probability;
  }
  return count;
}

/** Of the standard normal distribution (Box and Muller). */
export function normal(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}
