// Two methods of Node's TLS sockets end the process, so that a fence keeps them out of product code (test/fence.ts). When this Node no longer does it, this fails, and the fence may go.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { certPem, keyPem } from "../wire/identity.ts";

/** A server that has no suite for its client, and calls `method` once its side is closed. */
const program = (method: string): string => `
import { createServer } from 'node:net';
import { TLSSocket, connect, createSecureContext } from 'node:tls';
const [, cert, key] = process.argv;
const secureContext = createSecureContext({ cert, key, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384' });
const server = createServer((raw) => {
  const socket = new TLSSocket(raw, { isServer: true, secureContext });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    socket.${method}();
    process.exit(0);
  });
}).listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  connect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256' }).on('error', () => undefined);
});
`;

test.each([
  ["getProtocol", /^SIG(?:SEGV|ABRT)$/],
  ["getEphemeralKeyInfo", /^SIG(?:SEGV|ABRT)$/],
  ["getCipher", null],
  ["getPeerX509Certificate", null],
])("%s of a socket that is closed", (method, signal) => {
  const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", program(method), "--", certPem, keyPem], {
    timeout: 30_000,
    cwd: "/",
    stdio: "ignore",
  });
  if (signal === null) expect([ended.status, ended.signal]).toEqual([0, null]);
  else expect(ended.signal).toMatch(signal);
});
