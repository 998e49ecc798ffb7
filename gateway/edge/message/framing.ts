// Framing of a body, as the writers take it: its length, 0 or more; −1 where there is no body; or one of these.

export const chunkedLength = -2;
export const upgradeLength = -3;
