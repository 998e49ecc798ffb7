// The rule that bytes of strangers cost time linear in their number, however they are cut: what each reader costs for the bytes and pieces of its case, in CPU
// time of the gateway.
import { connect, type Socket } from "node:net";
import { costCases, type CostCase } from "./cost-cases.ts";
import { balancerAddress } from "./proxy-headers.ts";
import type { Stage } from "./stage.ts";

/** Of CPU time, µs, with some to spare: pieces that come while a worker is busy are read together, 3 a piece, and a byte of a long read takes far below 1. */
const perPiece = 15;
const perByte = 1;
const perCanary = 600;
/** What begins and ends with a connection, a handshake, garbage that is collected. */
const fixed = 100_000;
/** The answer of the dripping origin, which comes in pieces of one byte. */
const drippedBytes = 20_000;
const writesATurn = 2;
/** At once, so that what one costs is seen beside all else. */
const connections = 4;
const lookMs = 40;
const patienceMs = 15_000;

async function played(stage: Stage, one: CostCase): Promise<number> {
  const { pieceBytes, bytes } = one;
  const socket = connect({
    host: "127.0.0.1",
    port: one.secure ? stage.ports.tls : stage.ports.plain,
    noDelay: true,
    ...(one.balancer ? { localAddress: balancerAddress } : {}),
  });
  socket.on("error", () => undefined);
  socket.resume();
  let pieces = 0;
  for (let at = 0; at < bytes.length && !socket.destroyed; at += pieceBytes) {
    socket.write(bytes.subarray(at, at + pieceBytes));
    pieces += 1;
    if (pieces % writesATurn === 0) await new Promise(setImmediate);
  }
  await quiet(stage, socket);
  socket.destroy();
  return pieces;
}

/** The gateway does no more about it. */
async function quiet(stage: Stage, socket: Socket): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  let readBefore = -1;
  for (let calm = 0; calm < 2 && performance.now() < untilMs;) {
    const [before, answered] = [stage.cpu.micros, stage.canary.answered];
    await new Promise((resolve) => {
      setTimeout(resolve, lookMs);
    });
    const isCalm =
      stage.cpu.micros - before - (stage.canary.answered - answered) * perCanary < 4000 &&
      socket.bytesRead === readBefore;
    readBefore = socket.bytesRead;
    calm = isCalm ? calm + 1 : 0;
  }
}

/** Plays all cases, one after the other. Gives what cost too much, or null; tells of each how much it cost. */
export async function costFault(stage: Stage, told: (line: string) => void): Promise<string | null> {
  if (stage.cpu.micros === 0) {
    told("the kernel does not tell CPU time of threads: nothing is measured");
    return null;
  }
  const faults: string[] = [];
  for (const one of costCases()) {
    let cost = await costOf(stage, one);
    // What was compiled or collected at that moment is not there the second time; what is in the bytes is.
    if (cost.isOver) cost = await costOf(stage, one);
    told(cost.line);
    if (cost.isOver) faults.push(cost.line);
    if (stage.fault !== null) return `${[...faults, stage.fault].join("; ")} (at ${one.name})`;
  }
  return faults.length === 0 ? null : `too much: ${faults.join("; ")}`;
}

async function costOf(stage: Stage, one: CostCase): Promise<{ readonly isOver: boolean; readonly line: string }> {
  const [before, answered] = [stage.cpu.micros, stage.canary.answered];
  const pieces = (await Promise.all(Array.from({ length: connections }, () => played(stage, one)))).reduce(
    (sum, count) => sum + count,
    0,
  );
  const micros = stage.cpu.micros - before;
  const dripped = one.bytes.includes("dripping") ? drippedBytes * connections : 0;
  const bytes = one.bytes.length * connections;
  const most = fixed + perPiece * (pieces + dripped) + perByte * bytes + perCanary * (stage.canary.answered - answered);
  return {
    isOver: micros > most,
    line: `${one.name}: ${bytes} bytes in ${pieces} pieces cost ${Math.round(micros / 1000)} ms, of ${Math.round(most / 1000)}`,
  };
}
