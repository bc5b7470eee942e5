import { FlashSlothError, messageOf } from "../../core/errors.ts";
import { MAX_FILE_BYTES } from "../../image/source.ts";

/**
 * The picture that standard input is.
 * @throws `image-unreadable`, `image-too-large`, `image-invalid` when it is empty
 */
export async function readPictureBytes(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      size += bytes.byteLength;
      if (size > MAX_FILE_BYTES) break;
      chunks.push(bytes);
    }
  } catch (error) {
    throw new FlashSlothError("image-unreadable", `standard input could not be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (size > MAX_FILE_BYTES) {
    throw new FlashSlothError("image-too-large", "standard input goes on for too long to be a picture");
  }
  if (size === 0) {
    throw new FlashSlothError("image-invalid", "standard input is empty", {
      hint: "send a picture's bytes to it: cat photo.jpg | flashsloth ask - QUESTION",
    });
  }
  return new Uint8Array(Buffer.concat(chunks));
}
