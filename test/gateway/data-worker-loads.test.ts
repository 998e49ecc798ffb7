import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("a data worker loads neither HTTP nor fetch of Node, which would cost each of them more than its own code", () => {
  const program =
    "await import('./gateway/worker/worker.ts'); await import('./gateway/edge/plane.ts'); console.log(process.moduleLoadList.join('\\n'));";
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const loaded = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: root,
    encoding: "utf8",
  }).split("\n");
  // Else nothing below could be found.
  expect(loaded).toContain("NativeModule net");
  const dear = ["http", "http2", "internal/deps/undici/undici", "zlib", "child_process", "cluster"].map(
    (name) => `NativeModule ${name}`,
  );
  expect(loaded.filter((name) => dear.includes(name))).toEqual([]);
});
