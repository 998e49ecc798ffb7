// The start of a gateway: its addresses are tried before anything else is, then its supervisor starts.
import type { LogEnd } from "../shared/log.ts";
import type { Settings } from "../options/settings.ts";
import { printAddress, tryAddress } from "./bind.ts";
import type { Gateway } from "./gateway.ts";
import { Supervisor } from "./supervisor.ts";

export type StartOutcome =
  | { readonly kind: "started"; readonly gateway: Gateway }
  /** One clear line. */
  | { readonly kind: "failed"; readonly sentence: string };

/** Starts every thread and resolves once the gateway is ready: all data workers listen and hold a table. */
export async function startGateway(settings: Settings, logs: LogEnd): Promise<StartOutcome> {
  const listen = await tryAddress(settings.listen.host, settings.listen.port, "--listen");
  if (listen.kind === "failed") return listen;
  const admin = await tryAddress(settings.admin.host, settings.admin.port, "--admin");
  if (admin.kind === "failed") return admin;
  let bound: Settings = {
    ...settings,
    listen: { ...settings.listen, host: listen.host },
    admin: { ...settings.admin, host: admin.host },
  };
  if (settings.tls !== null) {
    const tls = await tryAddress(settings.tls.host, settings.tls.port, "--tls-listen");
    if (tls.kind === "failed") return tls;
    bound = { ...bound, tls: { ...settings.tls, host: tls.host } };
  }
  const supervisor = new Supervisor(bound, logs);
  const sentence = await supervisor.start();
  return sentence === null ? { kind: "started", gateway: supervisor } : { kind: "failed", sentence };
}

/** The address of a gateway, for people and logs. */
export function addressOf(gateway: Gateway): string {
  return printAddress(gateway.listen.host, gateway.listen.port);
}
