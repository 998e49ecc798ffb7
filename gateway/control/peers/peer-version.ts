// May replicas of two versions add up their counts? During an upgrade they run side by side: of one major version, one minor version apart at most.

/** Versions as package.json has them; what is none fits nothing. */
export function fits(own: string, other: string): boolean {
  const [one, two] = [parts(own), parts(other)];
  return one !== null && two !== null && one.major === two.major && Math.abs(one.minor - two.minor) <= 1;
}

function parts(version: string): { readonly major: number; readonly minor: number } | null {
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})\.\d/.exec(version) ?? [];
  return major === undefined ? null : { major: Number(major), minor: Number(minor) };
}
