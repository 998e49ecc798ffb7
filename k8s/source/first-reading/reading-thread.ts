// Entry of a thread that reads files for a Source as it starts. It gets tasks and gives back what it read, and nothing else.
import { parentPort } from "node:worker_threads";
import { readingFile } from "../files/file-reading.ts";
import { partsOf, type FromReadingThread, type FilesToRead } from "./reading-parts.ts";
import { finish } from "../objects/turns.ts";

const tell = (message: FromReadingThread): void => parentPort!.postMessage(message);

parentPort!.on("message", ({ files, terms }: FilesToRead) => {
  tell({
    kind: "done",
    reads: files.map(({ path, name, size }) =>
      partsOf(finish(readingFile(path, size, { file: name, terms, lastGood: [] }))),
    ),
  });
});
tell({ kind: "ready" });
