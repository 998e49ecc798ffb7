// Plays a script on a socket, whichever side of it this is.
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Moments } from "./moments.ts";
import type { Script } from "./script.ts";

const dripMs = 5;

/** To the script's end, or the socket's. Never rejects. */
export async function play(socket: Socket, script: Script, moments: Moments): Promise<void> {
  for (const step of script) {
    if (socket.destroyed) return;
    switch (step.kind) {
      case "write":
        if (!socket.writableEnded) socket.write(step.bytes);
        break;
      case "drip":
        while (socket.writable) {
          socket.write(step.bytes);
          await new Promise((resolve) => {
            setTimeout(resolve, dripMs);
          });
        }
        break;
      case "turn":
        await new Promise(setImmediate);
        break;
      case "wait":
        await moments.next(step.event === "bytes" ? null : step.event, (resolve) => {
          socket.on("data", resolve);
          socket.on("close", resolve);
          return () => socket.off("data", resolve).off("close", resolve);
        });
        break;
      case "pause":
        socket.pause();
        break;
      case "resume":
        socket.resume();
        break;
      case "fin":
        socket.end();
        break;
      default:
        // Under TLS there is no reset of our own: it leaves without close_notify.
        if (socket instanceof TLSSocket) socket.destroy();
        else socket.resetAndDestroy();
    }
  }
}
