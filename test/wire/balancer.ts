// A balancer of connections for wire tests: it opens one to the gateway for each that it accepts, writes a header of the PROXY protocol, and
// passes bytes on, both ways.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { turns } from "../turns.ts";

export interface BalancerOptions {
  readonly header: Buffer;
  /** The header comes with the client's first bytes, as one. */
  readonly glued?: boolean;
  /** So much of the header (and of what is glued to it) comes before the rest. */
  readonly cut?: number;
}

export class Balancer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: number, { header, glued = false, cut = 0 }: BalancerOptions) {
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (client) => void this.#pass(client, target, header, glued, cut),
    );
  }

  async #pass(client: Socket, target: number, header: Buffer, glued: boolean, cut: number): Promise<void> {
    const gateway = connect({ host: "127.0.0.1", port: target, allowHalfOpen: true, noDelay: true });
    for (const [socket, other] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => other.destroy());
    }
    await once(gateway, "connect").catch(() => undefined);
    client.resume();
    const first = glued ? Buffer.concat([header, ...((await once(client, "data")) as Buffer[])]) : header;
    client.pause();
    if (cut > 0) {
      gateway.write(first.subarray(0, cut));
      // The gateway is of this process: it reads meanwhile.
      await turns(3);
    }
    gateway.write(first.subarray(cut));
    client.pipe(gateway);
    gateway.pipe(client);
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Version 1, of these words. */
export function lineHeader(words: string): Buffer {
  return Buffer.from(`PROXY ${words}\r\n`, "latin1");
}

/** Version 2: command and family as bytes, and what follows the length. `length` is told where it is a lie. */
export function binaryHeader(command: number, family: number, rest: Buffer, length = rest.length): Buffer {
  return Buffer.concat([
    Buffer.from("\r\n\r\n\0\r\nQUIT\n"),
    Buffer.from([command, family, length >> 8, length & 0xff]),
    rest,
  ]);
}

/** What follows the length where IPv4 is told: both addresses, both ports, fields. */
export function ipv4Block(source: readonly number[], fields: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([...source, 10, 0, 0, 1, 0xdb, 0xa4, 1, 0xbb]), fields]);
}

/** The same of IPv6, the source as 32 hexadecimal digits. */
export function ipv6Block(source: string, fields: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from(source, "hex"), Buffer.alloc(15), Buffer.from([1, 0xdb, 0xa4, 1, 0xbb]), fields]);
}

export function field(type: number, value: Buffer, length = value.length): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from([type, length >> 8, length & 0xff]), value]);
}
