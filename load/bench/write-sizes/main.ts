// Benchmark of the length of a write: CPU time of sending 100 kB over the loopback in writes of so many bytes, the reader on the other core.
// Run by itself: `node load/bench/write-sizes/main.ts`.
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

const writeSizes: readonly number[] = [32_768, 49_179, 65_160, 65_483, 65_572, 73_728, 98_304, 130_320];
const rounds = 25;
/** Bytes of one trial. */
const trialBytes = 12e6;

function pin(pid: number, core: number): void {
  execFileSync("taskset", ["-a", "-c", "-p", String(core), String(pid)], { stdio: "ignore" });
}

/** CPU time of a trial, µs for each 100 kB. */
async function trial(socket: Socket, size: number): Promise<number> {
  const bytes = Buffer.alloc(size, "x");
  const writes = Math.round(trialBytes / size);
  const before = process.cpuUsage();
  for (let write = 0; write < writes; write++) {
    if (!socket.write(bytes)) await once(socket, "drain");
    else if (write % 4 === 0) await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / ((writes * size) / 1e5);
}

async function compare(): Promise<void> {
  const reader = fork(fileURLToPath(import.meta.url), ["read"]);
  pin(reader.pid!, 1);
  pin(process.pid, 0);
  const [port] = (await once(reader, "message")) as [number];
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const taken = new Map(writeSizes.map((size) => [size, [] as number[]]));
  for (let round = 0; round < rounds; round++)
    for (const size of writeSizes) taken.get(size)!.push(await trial(socket, size));
  for (const [size, values] of taken) {
    values.sort((one, other) => one - other);
    console.log(
      `    writes of ${String(size).padStart(7)} bytes: ${values[rounds >> 2]!.toFixed(1)} µs for 100 kB (lower quartile), ${values[rounds >> 1]!.toFixed(1)} (median)`,
    );
  }
  socket.destroy();
  reader.kill();
}

function read(): void {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume();
  });
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
}

if (process.argv[2] === "read") read();
else await compare();
