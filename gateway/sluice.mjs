#!/usr/bin/env node
// The command of a checkout, `npx sluice …`: the gateway as gateway/start.mjs starts it.
process.argv.splice(2, 0, "gateway/main.ts");
await import("./start.mjs");
