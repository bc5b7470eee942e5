import { createRequire } from "node:module";

/** A number of libheif's enumerations, or its object for it. */
type EnumValue = { readonly value: number };

/** A failed call, by libheif's numbers. */
export interface HeifError {
  readonly code: EnumValue;
  readonly subcode: EnumValue;
  readonly message: string;
}

/** A plane of a decoded picture, with its rows `stride` bytes apart. */
export interface HeifChannel {
  readonly id: EnumValue;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly data: Uint8Array;
}

export interface HeifDecoded {
  /** to be released */
  readonly image: object;
  readonly channels: readonly HeifChannel[];
}

/** The part of libheif-js that is used here: libheif's C interface, and a few functions of its own. */
export interface LibHeif {
  heif_context_alloc(): object;
  heif_context_free(context: object): void;
  heif_context_read_from_memory(context: object, bytes: Uint8Array): HeifError;
  heif_js_context_get_primary_image_handle(context: object): object | HeifError;
  heif_image_handle_get_width(handle: object): number;
  heif_image_handle_get_height(handle: object): number;
  heif_image_handle_release(handle: object): void;
  heif_js_decode_image2(
    handle: object,
    colorspace: EnumValue,
    chroma: EnumValue,
  ): HeifDecoded | HeifError | Promise<HeifDecoded | HeifError>;
  heif_image_release(image: object): void;
  readonly heif_error_code: { readonly heif_error_Ok: EnumValue };
  readonly heif_colorspace: { readonly heif_colorspace_RGB: EnumValue };
  readonly heif_chroma: { readonly heif_chroma_interleaved_RGB: EnumValue };
  readonly heif_channel: { readonly heif_channel_interleaved: EnumValue };
}

/** Loads libheif, compiled to WebAssembly: some tenths of a second. */
export function loadLibheif(): LibHeif {
  const require = createRequire(import.meta.url);
  // CommonJS without types of its own
  return require("libheif-js/wasm-bundle") as LibHeif;
}
