// Field kinds: what each field that is read decides, in one table, and with it what a value gets that cannot be read. The rule behind it: what
// cannot be understood never widens who gets traffic, because a condition that is dropped leaves a Mapping that takes everybody's requests.

/**
 * `which`: which requests. `share`: how many of them, and in what role. `where`: what they reach, and what it is asked for. An object with such a value that
 * cannot be read is invalid (error): its last good form is served as a whole, and without one nothing of it.
 *
 * `how`: with what limits and edits. The default holds (warning).
 */
export type FieldKind = "which" | "share" | "where" | "how";
