// Free ports: for servers that are stopped and started again on the same one, that take no port 0, or where nobody is to listen.
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/**
 * Different free ports of 127.0.0.1, below the range from which the kernel takes client ports (32768 and up): one in that range may be
 * taken, or be connected to by its own client, while the server is down.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (free) held.set(port, server);
  }
  for (const server of held.values()) {
    server.close();
    await once(server, "close");
  }
  return [...held.keys()];
}

/** One of these. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}
