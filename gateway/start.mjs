// Runs a script of this checkout on the Node that the lock file pins, and installs first if needed:
//
//   node gateway/start.mjs gateway/main.ts serve --folder DIR      (npx sluice serve --folder DIR says the same: gateway/sluice.mjs)
//
// The gateway runs in the folder that this is called in, and packed (gateway/packing/pack.ts): the packed form is made anew where it does not fit the sources. The demo, which is
// not packed, runs as it is, and so does every other script, in the root of the checkout.
//
// Plain JavaScript, because it is what `npm run demo` and `npm test` start on a machine that has nothing but an older Node (20 or later) and npm.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, lstatSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const neededMajor = 26;
/** Is the Node that runs this the needed one, or a newer one? */
const isNew = Number(process.versions.node.split(".")[0]) >= neededMajor;

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** A worktree that uses the packages of another checkout: `npm ci` would empty the folder there. */
function isLinked() {
  return lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** npm writes the hidden lock file last: it is missing after a broken install, and older than a lock file that has changed since. Who made a link answers for its age. */
function isInstalled() {
  const installed = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  return isLinked() || statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
}

function install() {
  if (isLinked())
    fail(
      "node_modules is a link, and npm has not finished installing where it leads: run npm ci there, or remove the link",
    );
  process.stderr.write("installing the packages of the lock file (npm ci)\n");
  // What npm prints goes to stderr: stdout belongs to the script.
  const { status } = spawnSync("npm", ["ci"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) fail("npm ci failed: see above");
}

/** The Node of the lock file; else the one that runs this, if it is new enough. */
function pinnedNode() {
  const pinned = join(root, "node_modules/.bin/node");
  if (existsSync(pinned)) return pinned;
  if (isNew) return process.execPath;
  return fail(
    `Node ${neededMajor} is needed, and npm has no package of it for ${process.platform} on ${process.arch}: install Node ${neededMajor} and try again`,
  );
}

/** The packed form fits the sources, or does now. Where what packs is not installed, one that was made elsewhere may still fit. */
async function isPacked(node) {
  if (isNew) {
    // A process only to read the digests would take longer than what is started.
    const { staleReason } = await import("./packing/inputs.ts");
    if (staleReason(root, join(root, "packed")) === null) return true;
  }
  const canPack = existsSync(join(root, "node_modules/rolldown"));
  return (
    spawnSync(node, ["gateway/packing/main.ts", ...(canPack ? [] : ["--check"])], {
      cwd: root,
      stdio: ["ignore", 2, canPack ? 2 : "ignore"],
    }).status === 0
  );
}

// npm never puts a lock file into a package, and Node does not run the sources of one.
if (!existsSync(join(root, "package-lock.json")))
  fail("sluice: this package holds no gateway: run npm run tarball in a checkout, and install the file that it names");
if (!isInstalled()) install();
const node = pinnedNode();
const [script, ...argv] = process.argv.slice(2);
const isGateway = script === "gateway/main.ts";
const isRunPacked = isGateway && argv[0] !== "demo" && (await isPacked(node));
// Compiled code stays beside the packages, as gateway/start-thread.ts says for the threads. Of the gateway's memory glibc makes up to eight arenas a core, which
// share nothing: with two it holds some 13 MiB less, at eight workers.
const env = {
  NODE_COMPILE_CACHE: join(root, "node_modules/.cache/sluice"),
  ...(isGateway ? { MALLOC_ARENA_MAX: "2" } : {}),
  ...process.env,
};
const run = isGateway ? [join(root, isRunPacked ? "packed/main.js" : script), ...argv] : process.argv.slice(2);
// Where the system can, this process becomes the gateway: one process fewer, and signals reach it at once.
if (isGateway && isNew && process.platform === "linux") process.execve(node, [node, ...run], env);
const child = spawn(node, run, { cwd: isGateway ? undefined : root, env, stdio: "inherit" });
// The child decides when it is done. (A terminal sends Ctrl-C to every process and npm sends it again, so the child may see it more than once.
// npm's signals come here only because its scripts say `exec`: the shell between would keep them.)
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(`cannot start Node: ${error.message}`));
child.on("exit", (code) => process.exit(code ?? 1));
