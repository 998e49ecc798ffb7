// `sluice demo`: its declaration. The demo's gRPC needs development packages, and the image has neither those nor the demo.
import { command, type Outcome, type Use } from "../options/command.ts";
import { flag, readAddress, text } from "../options/option.ts";

const options = {
  once: flag("stop after the requests; exit 0, or 1 when a response was not the expected one"),
  listen: text("HOST:PORT", "address for traffic, as in Seldon's documents", "127.0.0.1:8003", readAddress),
  admin: text("HOST:PORT", "address for health, metrics and the admin API", "127.0.0.1:8877", readAddress),
};

export const demo = command({
  forms: ["[options]"],
  text: "Starts model servers and a gateway on this machine, sends requests through the gateway, prints the responses, and runs until Ctrl-C.\n",
  options,
  words: [],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { once, listen, admin } = values;
  if (positionals[0] !== undefined)
    return { kind: "wrong", sentence: `"${positionals[0]}" is not an option: write --help for the list` };
  try {
    const { runDemo } = await import("../demo/demo.ts");
    const host = "127.0.0.1";
    return await runDemo(once, listen ?? { host, port: 8003 }, admin ?? { host, port: 8877 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) throw error;
    return { kind: "failed", sentence: "it needs the packages of a checkout: run npm run demo in one" };
  }
}
