import { expect, test } from "vitest";
import { coloured, wantsColour } from "../../../gateway/tools/colour.ts";

test("only a terminal has colour, and only where nobody said no", () => {
  expect(wantsColour(true, {})).toBe(true);
  expect(wantsColour(true, { NO_COLOR: "" })).toBe(true);
  expect(wantsColour(true, { NO_COLOR: "0" })).toBe(false);
  expect(wantsColour(true, { TERM: "dumb" })).toBe(false);
  expect(wantsColour(false, {})).toBe(false);
});

const text = `    SHARE  DECLARED  READY  PREDICTOR

prod/iris
  REST  /seldon/prod/iris/…
     100%       75%  yes    main
       0%       25%  no     canary
  copy 10%            yes    next
    answers 503: no healthy upstream

2 deployments; answers 503: prod/iris
`;

test("what is not as declared, not ready or not answered stands out, and the text stays", () => {
  const shown = coloured(text);
  expect(shown.split(/\p{Cc}\[\d+m/u).join("")).toBe(text);
  for (const part of [
    "\u001b[1mprod/iris\u001b[22m",
    "\u001b[33m100%\u001b[39m",
    "\u001b[31mno \u001b[39m",
    "\u001b[36mcopy \u001b[39m",
    "\u001b[31manswers 503: no healthy upstream\u001b[39m",
    "; \u001b[31manswers 503: prod/iris\u001b[39m",
  ])
    expect(shown).toContain(part);
});
