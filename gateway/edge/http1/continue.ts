// The interim answer that asks a client for its body (RFC 9110 §15.2.1).

export const continueLine = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");
