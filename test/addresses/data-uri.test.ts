import { describe, expect, it } from "vitest";
import { dataUriBytes, dataUriLabel } from "../../src/addresses/data-uri.ts";

function bytes(uri: string): number[] {
  return [...dataUriBytes(uri)];
}

describe("dataUriBytes", () => {
  it("reads base64, also of the URL alphabet, in lines and escaped", () => {
    expect(bytes("data:image/png;base64,AP8+/w==")).toEqual([0, 255, 62, 255]);
    expect(bytes("DATA:;BASE64,AP8-_w")).toEqual([0, 255, 62, 255]);
    expect(bytes("data:image/png;name=a;base64,AP8\n+%2Fw%3D%3D")).toEqual([0, 255, 62, 255]);
  });

  it("reads plain text with escapes", () => {
    expect(bytes("data:image/svg+xml,%3Csvg/>%ff")).toEqual([...Buffer.from("<svg/>"), 255]);
  });

  it.each(["data:image/png;base64", "data:;base64,AA*A", "data:,%4", "data:,%zz"])("refuses %s", (uri) => {
    expect(() => dataUriBytes(uri)).toThrow(/is no data URI of a picture/);
  });
});

describe("dataUriLabel", () => {
  it("shows how it begins", () => {
    expect(dataUriLabel("data:,abc")).toBe("data:,abc");
    expect(dataUriLabel(`data:image/png;base64,${"A".repeat(9999)}`)).toHaveLength(49);
  });
});
