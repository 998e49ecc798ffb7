// A worktree whose node_modules is a link to those of another checkout: npm ci would empty the folder that the link leads to.
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { root } from "./packed-form.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** `installed`: files of the folder that node_modules leads to, all older than the lock file. */
async function linked(
  installed: readonly string[],
): Promise<{ readonly there: string; readonly ran: Promise<string> }> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-linked-"));
  folders.push(folder);
  const [here, there] = [join(folder, "here"), join(folder, "there")];
  await mkdir(join(here, "gateway"), { recursive: true });
  await mkdir(there);
  for (const name of installed) {
    await writeFile(join(there, name), "{}");
    await utimes(join(there, name), 1, 1);
  }
  await symlink(there, join(here, "node_modules"));
  await copyFile(join(root, "gateway/start.mjs"), join(here, "gateway/start.mjs"));
  await writeFile(join(here, "package.json"), '{ "name": "a", "version": "1.0.0" }');
  await writeFile(
    join(here, "package-lock.json"),
    '{ "name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": { "": { "name": "a", "version": "1.0.0" } } }',
  );
  await writeFile(join(here, "script.mjs"), 'console.log("it runs")');
  const ran = new Promise<string>((resolve) => {
    execFile(process.execPath, [join(here, "gateway/start.mjs"), "script.mjs"], (_error, out, err) => {
      resolve(out + err);
    });
  });
  return { there, ran };
}

test("what it leads to is used as it is, and stays", async () => {
  const { there, ran } = await linked([".package-lock.json", "package-of-another-checkout"]);
  expect(await ran).toBe("it runs\n");
  expect(await readdir(there)).toEqual([".package-lock.json", "package-of-another-checkout"]);
});

test("nothing is installed through it", async () => {
  const { there, ran } = await linked(["package-of-another-checkout"]);
  expect(await ran).toBe(
    "node_modules is a link, and npm has not finished installing where it leads: run npm ci there, or remove the link\n",
  );
  expect(await readdir(there)).toEqual(["package-of-another-checkout"]);
});
