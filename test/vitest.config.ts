import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import Slowest from "./slowest.ts";

/** Rooms whose tests keep nothing in their process that another file would meet, so that a process runs one file after the other and loads what they share once. */
const sharedRooms = [
  "test/routing",
  "test/k8s",
  ...["admin", "callers", "control", "edge", "explain", "options", "shared"].map((room) => `test/gateway/${room}`),
].map((room) => `${room}/**/*.test.ts`);
/** Files of these rooms that put other modules in the place of ours. */
const ownProcess = ["test/k8s/translate/object-faults.test.ts"];

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
    projects: [
      { extends: true, test: { name: "shared", include: sharedRooms, exclude: ownProcess, isolate: false } },
      { extends: true, test: { name: "own", include: ["test/**/*.test.ts"], exclude: sharedRooms } },
      { extends: true, test: { name: "mocked", include: ownProcess } },
    ],
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
