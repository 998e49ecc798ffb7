// npm run pages: writes the generated parts of the pages, and the generated files. A test says where they differ from what is committed.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { madeTexts } from "./made.ts";

for (const [path, text] of madeTexts((path) => readFileSync(path, "utf8"))) {
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  writeFileSync(path, text);
  console.log(`${path} written`);
}
