// The network of the cluster tests: a loopback and nothing else.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const alone = new URL("alone.ts", import.meta.url).pathname;
const program = `
  const addresses = Object.values(require('node:os').networkInterfaces()).flat();
  const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ internal: addresses.length > 0 && addresses.every(({ internal }) => internal), port: server.address().port }));
    server.close(() => process.exit(7));
  });`;

test("a program gets a network of its own, in which it can listen, and its exit code is passed on; or it is said that there is none", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [alone, "-e", program], { encoding: "utf8" });
  expect(status, stderr).toBe(7);
  const { internal, port } = JSON.parse(stdout) as { readonly internal: boolean; readonly port: number };
  expect(port).toBeGreaterThan(0);
  expect(internal || stderr.startsWith("no network namespace can be had here")).toBe(true);
});
