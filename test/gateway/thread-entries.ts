// Preloaded into a gateway process by tests (`--import`): each thread that helps (not the control and data workers) tells the parent process the file that it
// started from with each of its answers, as `reading-thread.js done`.
import { basename } from "node:path";
import workerThreads from "node:worker_threads";

const answers = new workerThreads.BroadcastChannel("answers");
answers.unref();

if (workerThreads.isMainThread) answers.addEventListener("message", ({ data }: MessageEvent) => process.send?.(data));
else if (workerThreads.threadName !== "control" && !workerThreads.threadName?.startsWith("data-")) {
  const port = workerThreads.parentPort!;
  const post = port.postMessage.bind(port);
  port.postMessage = (message: { readonly kind?: string }) => {
    answers.postMessage(`${basename(process.argv[1]!)} ${message.kind ?? "answer"}`);
    post(message);
  };
}
