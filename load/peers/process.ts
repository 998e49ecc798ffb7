// Starting, watching and stopping the programs of a comparison, each pinned to a core.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { processTree } from "./account.ts";

/** The proxy has this core to itself; generator, upstream and harness share the other. */
export const proxyCore = 0;
export const loadCore = 1;

export interface Program {
  readonly pid: number;
  readonly logFile: string;
  ended(): boolean;
  /** SIGTERM, then SIGKILL after 5 s. Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface Start {
  readonly program: string;
  readonly arguments: readonly string[];
  /** null: both cores. */
  readonly core: number | null;
  /** Real-time priority: it runs as soon as it can, in front of an ordinary process that spins on the same core. */
  readonly realTime: boolean;
  /** Standard output and error go here. */
  readonly logFile: string;
  readonly environment: Readonly<Record<string, string>>;
}

const running = new Set<Program>();

export function start(options: Start): Program {
  const command = [
    "taskset",
    "-c",
    options.core === null ? `${proxyCore},${loadCore}` : String(options.core),
    ...(options.realTime ? ["chrt", "--rr", "1"] : []),
    options.program,
    ...options.arguments,
  ];
  const log = openSync(options.logFile, "w");
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...options.environment },
  });
  closeSync(log);
  return adopt(child, options.logFile);
}

/** Takes a child process into the list of those that end with the harness. */
export function adopt(child: ChildProcess, logFile: string): Program {
  if (child.pid === undefined) throw new Error(`${child.spawnargs.join(" ")} does not start`);
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const program: Program = {
    pid: child.pid,
    logFile,
    ended,
    stop: () => stop(child).finally(() => running.delete(program)),
  };
  running.add(program);
  child.once("exit", () => running.delete(program));
  return program;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 5000);
  await ended;
  clearTimeout(force);
}

/** Ends everything that was started here; for the end of the harness, however it comes. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

/** Keeps this process and what it starts from now on off the proxy's core. */
export function pinHarness(): void {
  execFileSync("taskset", ["-a", "-c", "-p", String(loadCore), String(process.pid)], { stdio: "ignore" });
}

/** Real-time priority for a program and what it has started, or an end to it: in an open loop the generator spins on the same core, and the upstream goes first. */
export function setRealTime(pid: number, on: boolean): void {
  for (const one of processTree(pid))
    execFileSync("chrt", [...(on ? ["--rr"] : ["--other"]), "-p", on ? "1" : "0", String(one)], { stdio: "ignore" });
}

/** From now on a program gets only what all others on its core leave. */
export function setIdle(pid: number): void {
  execFileSync("chrt", ["--all-tasks", "--idle", "-p", "0", String(pid)], { stdio: "ignore" });
}

/** A port that is free now on 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

const listenWaitMs = 60_000;

/** Waits until the program listens on the port; fails with the end of its log when it ends or takes too long. */
export async function untilListening(program: Program, port: number): Promise<void> {
  const deadlineMs = performance.now() + listenWaitMs;
  while (!(await accepts(port))) {
    if (program.ended() || performance.now() > deadlineMs)
      throw new Error(`nothing listens on port ${port}:\n${readFileSync(program.logFile, "utf8").slice(-2000)}`);
    await pause(50);
  }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
