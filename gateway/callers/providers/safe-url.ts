// A URL that a provider asks, as the policy file says it.
import { converted, text, type Schema } from "../../schema/schema.ts";

/** Over plain HTTP anybody on the way could put an answer of their own in its place. */
export const safeUrl: Schema<string> = converted(
  text,
  (url, place) => {
    if (!URL.canParse(url)) return place.refuse("is not a URL: write https://HOST/PATH");
    if (isSafe(new URL(url))) return url;
    return place.refuse(
      "is not safe: write https://HOST/PATH without user and password; http:// is for hosts that end in .svc, and for this machine",
    );
  },
  { pattern: "^https?://" },
);

function isSafe({ protocol, hostname, username, password }: URL): boolean {
  if (username !== "" || password !== "") return false;
  return (
    protocol === "https:" ||
    (protocol === "http:" && /(?:^localhost|^127\.\d+\.\d+\.\d+|^\[::1\]|\.svc|\.svc\.cluster\.local)$/.test(hostname))
  );
}
