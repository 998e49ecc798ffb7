import { expect, it } from "vitest";
import { OutBuffer } from "../../../../gateway/edge/io/out-buffer.ts";

it("shows what was put, also where a view of that length was shown before the buffer grew", () => {
  const out = new OutBuffer(16);
  out.putAll(Buffer.from("one"));
  expect(out.view().toString()).toBe("one");
  out.drop();
  out.putAll(Buffer.alloc(40, "x"));
  expect(out.view().toString()).toBe("x".repeat(40));
  out.drop();
  out.putAll(Buffer.from("two"));
  expect(out.view().toString()).toBe("two");
});

it.each([2047, 2048, 2049])("shows %i bytes, twice", (length) => {
  const out = new OutBuffer();
  for (const letter of ["a", "b"]) {
    out.putAll(Buffer.alloc(length, letter));
    expect(out.view().toString()).toBe(letter.repeat(length));
    out.drop();
  }
});

it("what one long head needed is given back when it has left, and what was put arrives whole", () => {
  const out = new OutBuffer(16);
  const written: string[] = [];
  const sink = { write: (bytes: Buffer) => void written.push(bytes.toString()), writeBoth: () => undefined };
  out.open(sink);
  out.putAll(Buffer.alloc(100, "x"));
  expect(out.bytes.length).toBe(200);
  out.flush();
  expect(out.bytes.length).toBe(16);
  out.putAll(Buffer.from("short"));
  out.flush();
  expect(written).toEqual(["x".repeat(100), "short"]);
});

it("and when it is dropped", () => {
  const out = new OutBuffer(16);
  out.putAll(Buffer.alloc(17, "x"));
  expect(out.bytes.length).toBe(34);
  out.drop();
  expect(out.bytes.length).toBe(16);
});

it("a sink that puts more while it is written to loses nothing", () => {
  const out = new OutBuffer(16);
  const written: string[] = [];
  const sink = {
    write: (bytes: Buffer) => {
      written.push(bytes.toString());
      if (written.length === 1) out.putAll(Buffer.from("more"));
    },
    writeBoth: () => undefined,
  };
  out.open(sink);
  out.putAll(Buffer.alloc(20, "x"));
  out.flush();
  out.flush();
  expect(written).toEqual(["x".repeat(20), "more"]);
});
