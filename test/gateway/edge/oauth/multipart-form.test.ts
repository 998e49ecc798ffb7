import { describe, expect, test } from "vitest";
import { boundaryOf, multipartTexts } from "../../../../gateway/edge/oauth/multipart-form.ts";
import * as fc from "../../../seeded.ts";

const part = (name: string, value: string, more = ""): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n${more}\r\n${value}\r\n`;
const texts = (body: string): unknown => multipartTexts(Buffer.from(body, "latin1"), "B");

test.each<readonly [string, string | null]>([
  ["multipart/form-data; boundary=B", "B"],
  ['Multipart/Form-Data;boundary="a b"', "a b"],
  [`multipart/form-data; boundary=${"b".repeat(70)}`, "b".repeat(70)],
  [`multipart/form-data; boundary=${"b".repeat(71)}`, null],
  ["multipart/form-data", null],
  ["multipart/form-data; boundary=", null],
  ['multipart/form-data; boundary=""', null],
  ['multipart/form-data; boundary="a "', null],
  ["multipart/form-data; boundary=B; boundary=C", null],
  ["multipart/form-data; charset=x; boundary=B", null],
  ["multipart/form-data; charset=utf-8; boundary=B", "B"],
  ['multipart/form-data; boundary=B; charset="UTF-8"', "B"],
  ["multipart/form-data; boundary=B; charset=latin1", null],
  ["multipart/mixed; boundary=B", null],
  ["application/x-www-form-urlencoded", null],
])("%j names the boundary %j", (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary);
});

describe("a body", () => {
  test("as curl -F and browsers write it", () => {
    expect(
      texts(
        `${part("grant_type", "client_credentials")}${part("x", "", "Content-Type: text/plain; charset=UTF-8\r\n")}--B--\r\n`,
      ),
    ).toEqual([
      ["grant_type", "client_credentials"],
      ["x", ""],
    ]);
    expect(texts(`--B\r\ncontent-disposition:form-data;name=a\r\n\r\n1\r\n--\r\nB\r\n--B--`)).toEqual([
      ["a", "1\r\n--\r\nB"],
    ]);
    expect(multipartTexts(Buffer.from(`${part("k\u00e9y", "w\u00e4rt")}--B--`), "B")).toEqual([
      ["k\u00e9y", "w\u00e4rt"],
    ]);
    expect(texts("--B--\r\n")).toEqual([]);
  });

  test.each([
    ["nothing", ""],
    ["no end", part("a", "1")],
    ["another boundary", '--C\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--C--'],
    ["a boundary that goes on", `${part("a", "1")}--Bx--`],
    ["something before it", `x\r\n${part("a", "1")}--B--`],
    ["something behind it", `${part("a", "1")}--B--x`],
    ["more behind it", `${part("a", "1")}--B--\r\nx`],
    ["bare line ends", part("a", "1").replaceAll("\r", "") + "--B--"],
    ["a space behind a boundary", `${part("a", "1").replace("--B", "--B ")}--B--`],
    ["no head", "--B\r\n\r\n1\r\n--B--"],
    ["no name", "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--"],
    ["two names", part("a", "1", 'Content-Disposition: form-data; name="b"\r\n') + "--B--"],
    ["a file", `${part('a"; filename="x', "1")}--B--`],
    ["a name with an escape", `${part('a\\"b', "1")}--B--`],
    ["another type", `${part("a", "1", "Content-Type: application/json\r\n")}--B--`],
    ["another charset", `${part("a", "1", "Content-Type: text/plain; charset=utf-16\r\n")}--B--`],
    ["a transfer encoding", `${part("a", "MQ==", "Content-Transfer-Encoding: base64\r\n")}--B--`],
    ["a folded line", `${part("a", "1", " x: y\r\n")}--B--`],
    ["what is no UTF-8", `${part("a", "\xff")}--B--`],
  ])("with %s is none", (_, body) => {
    expect(texts(body)).toBeNull();
  });

  test.each([
    [511, true],
    [512, true],
    [513, false],
  ])("whose part has a head of %i bytes is read: %s", (bytes, isRead) => {
    const head = 'Content-Disposition: form-data; name="a"';
    const padded = `${head}${" ".repeat(bytes - head.length)}`;
    expect(texts(`--B\r\n${padded}\r\n\r\n1\r\n--B--`)).toEqual(isRead ? [["a", "1"]] : null);
  });

  test("of any names and texts is read back, and of any bytes read or refused", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "-", "\r", "\n", "B", " ", "ä", '"') });
    void fc.assert(
      fc.property(fc.array(fc.tuple(fc.stringMatching(/^[\w ]{0,20}$/), word)), (parts) => {
        const safe = parts.filter(([, value]) => !`\r\n${value}`.includes("\r\n--B"));
        const body = safe.map(([name, value]) => part(name, value)).join("") + "--B--";
        expect(multipartTexts(Buffer.from(body), "B")).toEqual(safe.map(([name, value]) => [name, value]));
      }),
    );
    const piece = fc.oneof(
      fc.constantFrom("--B", "\r\n", "\r\n--B", "--", 'Content-Disposition: form-data; name="a"', "\r\n\r\n"),
      fc.string(),
    );
    void fc.assert(
      fc.property(fc.array(piece), (pieces) => void multipartTexts(Buffer.from(pieces.join(""), "latin1"), "B")),
    );
  });
});
