// Has a provider keys? Without any it admits nobody, whatever is shown. One judgment for `check`, `who` and `explain`.
import type { Provider } from "./call-policy.ts";

/** `none`: nobody can show what it admits; `unknown`: an issuer publishes them, and they were not fetched. */
export function keysOf(provider: Provider): "some" | "none" | "unknown" {
  switch (provider.kind) {
    case "api-keys":
      return Object.keys(provider.clients).length === 0 ? "none" : "some";
    case "basic":
      return provider.users === null || Object.keys(provider.users).length === 0 ? "none" : "some";
    case "jwt":
      if (provider.keys === null) return provider.keysUrl === null ? "none" : "unknown";
      return provider.keys.length === 0 ? "none" : "some";
    case "mtls":
      return "some";
  }
}
