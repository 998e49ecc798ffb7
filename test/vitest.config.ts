import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import Slowest from "./slowest.ts";

const seeded = fileURLToPath(new URL("seeded.ts", import.meta.url));

// Processes, not threads: the tests start worker threads and child processes of their own and end some of them.
export default defineConfig({
  plugins: [
    {
      name: "seeded",
      enforce: "pre",
      resolveId: (source, importer) => (source === "fast-check" && importer !== seeded ? seeded : null),
    },
  ],
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // One more than there are cores: many tests wait for processes of their own. (Vitest itself would leave one core free.)
    maxWorkers: availableParallelism() + 1,
    reporters: ["default", new Slowest()],
    // Sockets, workers and processes on a busy two-core machine: generous limits, none of which a passing test comes near.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 25_000 } },
    coverage: { provider: "v8", include: ["gateway/**/*.ts", "routing/**/*.ts", "k8s/**/*.ts"] },
  },
});
