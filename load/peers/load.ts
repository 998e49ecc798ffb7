// Runs a plan in a generator process, pinned to the load core.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AlternationPlan, AlternationResult } from "./alternation.ts";
import type { GrpcPlan } from "./grpc-plan.ts";
import type { LoadPlan, LoadResult } from "./load-plan.ts";
import { loadCore } from "./process.ts";

const restGenerator = fileURLToPath(new URL("generator.ts", import.meta.url));
const alternatingGenerator = fileURLToPath(new URL("alternating-generator.ts", import.meta.url));
const grpcGenerator = fileURLToPath(new URL("grpc-generator.ts", import.meta.url));

async function run<Result>(generator: string, plan: object): Promise<Result> {
  const child = spawn("taskset", ["-c", String(loadCore), process.execPath, generator], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    let result: Result | null = null;
    child.once("message", (message) => {
      result = message as Result;
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      if (result === null) reject(new Error(`the load generator ended with ${code} and no result`));
      else resolve(result);
    });
    child.send(plan);
  });
}

/** Predictions over HTTP/1.1. */
export async function load(plan: LoadPlan): Promise<LoadResult> {
  return run(restGenerator, plan);
}

/** Unary gRPC calls. */
export async function grpcLoad(plan: GrpcPlan): Promise<LoadResult> {
  return run(grpcGenerator, plan);
}

/** Predictions over HTTP/1.1 to two peers by turns. */
export async function alternate(plan: AlternationPlan): Promise<AlternationResult> {
  return run(alternatingGenerator, plan);
}
