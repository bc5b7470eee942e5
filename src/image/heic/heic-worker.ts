import { parentPort } from "node:worker_threads";
import { messageOf } from "../../core/errors.ts";
import { loadLibheif, type HeifError, type LibHeif } from "./libheif.ts";
import type { HeicReply, HeicRequest } from "./protocol.ts";

/** The thread that decodes HEIC: libheif keeps it busy for seconds, and may be ended in the midst of it. */

const port = parentPort;
if (port === null) throw new TypeError("this module runs in a worker thread only");

// what libheif has to say about a file must not come between the answers
for (const stream of [process.stdout, process.stderr]) stream.write = () => true;
const libheif = load();

port.on("message", (request: HeicRequest) => {
  if ("unavailable" in libheif) {
    send(libheif);
    return;
  }
  decode(libheif, request).then(
    (reply) => send(reply),
    (error: unknown) => send({ failed: messageOf(error) }),
  );
});

function load(): LibHeif | { readonly unavailable: string } {
  try {
    return loadLibheif();
  } catch (error) {
    return { unavailable: messageOf(error) };
  }
}

function send(reply: HeicReply): void {
  const transfer =
    "pixels" in reply && reply.pixels !== undefined ? [reply.pixels.buffer as ArrayBuffer] : [];
  port?.postMessage(reply, transfer);
}

/** Decodes the primary picture; libheif turns and mirrors it as the file says. */
async function decode(heif: LibHeif, { bytes, maxPixels }: HeicRequest): Promise<HeicReply> {
  const context = heif.heif_context_alloc();
  try {
    const read = heif.heif_context_read_from_memory(context, bytes);
    if (read.code !== heif.heif_error_code.heif_error_Ok) return { failed: read.message };
    const handle = heif.heif_js_context_get_primary_image_handle(context);
    if (isError(handle)) return { failed: handle.message };
    try {
      return await decodeHandle(heif, handle, maxPixels);
    } finally {
      heif.heif_image_handle_release(handle);
    }
  } finally {
    heif.heif_context_free(context);
  }
}

async function decodeHandle(heif: LibHeif, handle: object, maxPixels: number): Promise<HeicReply> {
  const width = heif.heif_image_handle_get_width(handle);
  const height = heif.heif_image_handle_get_height(handle);
  if (width * height > maxPixels) return { width, height, pixels: undefined };
  const decoded = await heif.heif_js_decode_image2(
    handle,
    heif.heif_colorspace.heif_colorspace_RGB,
    heif.heif_chroma.heif_chroma_interleaved_RGB,
  );
  if (isError(decoded)) return { failed: decoded.message };
  try {
    const plane = decoded.channels.find(({ id }) => id === heif.heif_channel.heif_channel_interleaved);
    if (plane === undefined) return { failed: "libheif gave no pixels" };
    const row = plane.width * 3;
    const pixels = new Uint8Array(plane.height * row); // [height, width, 3]
    for (let y = 0; y < plane.height; y++) {
      pixels.set(plane.data.subarray(y * plane.stride, y * plane.stride + row), y * row);
    }
    return { width: plane.width, height: plane.height, pixels };
  } finally {
    heif.heif_image_release(decoded.image);
  }
}

function isError(value: object): value is HeifError {
  return "code" in value;
}
