// One prediction on a connection of its own, for tests that hold many at once.
import { connect, type Socket } from "node:net";

export class Asked {
  readonly socket: Socket;
  /** "" until it is answered; `lost` without an answer. */
  status = "";

  /** Asks the deployment `name` of the namespace prod. */
  constructor(port: number, name: string) {
    this.socket = connect({ host: "127.0.0.1", port });
    this.socket.on("connect", () =>
      this.socket.write(
        `POST /seldon/prod/${name}/api/v1.0/predictions HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
    this.socket.on("data", (chunk: Buffer) => (this.status ||= chunk.toString("latin1", 9, 12)));
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => (this.status ||= "lost"));
  }
}
