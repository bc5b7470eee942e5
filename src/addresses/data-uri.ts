import { FlashSlothError } from "../core/errors.ts";

/** What of a data URI is shown: the rest is the picture itself. */
const SHOWN_CHARACTERS = 48;

export function isDataUri(name: string): boolean {
  return /^data:/i.test(name);
}

/** What records call a data URI. */
export function dataUriLabel(uri: string): string {
  return uri.length > SHOWN_CHARACTERS ? `${uri.slice(0, SHOWN_CHARACTERS)}…` : uri;
}

/**
 * The bytes that a data URI holds; its media type is not asked, the bytes say what they are. Format: RFC 2397.
 * @throws `image-invalid`
 */
export function dataUriBytes(uri: string): Uint8Array {
  const comma = uri.indexOf(",");
  if (comma < 0) throw invalid(uri, "it has no comma before its data");
  const data = uri.slice(comma + 1);
  if (!/;\s*base64\s*$/i.test(uri.slice(0, comma))) return percentDecoded(uri, data);
  const text = data.includes("%") ? Buffer.from(percentDecoded(uri, data)).toString("latin1") : data;
  // Buffer leaves out what is not base64, and would decode half of a picture
  if (/[^\w+/=\s-]/.test(text)) throw invalid(uri, "its data are not base64");
  return new Uint8Array(Buffer.from(text, "base64"));
}

function percentDecoded(uri: string, data: string): Uint8Array {
  if (/%(?![0-9a-f]{2})/i.test(data)) throw invalid(uri, "a % in it stands for no byte");
  const latin1 = data.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return new Uint8Array(Buffer.from(latin1, "latin1"));
}

function invalid(uri: string, why: string): FlashSlothError {
  return new FlashSlothError("image-invalid", `${dataUriLabel(uri)} is no data URI of a picture: ${why}`, {
    hint: "write data:image/png;base64, and the picture's bytes in base64",
  });
}
