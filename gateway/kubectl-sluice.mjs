#!/usr/bin/env node
// `kubectl sluice …` of a checkout: kubectl runs the program of this name.
process.argv.splice(2, 0, "gateway/main.ts", "kubectl");
await import("./start.mjs");
