/** What the thread that decodes HEIC is sent, one at a time. */
export interface HeicRequest {
  readonly bytes: Uint8Array;
  /** Pictures with more are not decoded. */
  readonly maxPixels: number;
}

/** What it says to each. */
export type HeicReply =
  /** uint8 [height, width, 3], upright */
  | { readonly width: number; readonly height: number; readonly pixels: Uint8Array }
  /** there are too many */
  | { readonly width: number; readonly height: number; readonly pixels: undefined }
  /** why it cannot be decoded */
  | { readonly failed: string }
  /** why nothing can be */
  | { readonly unavailable: string };
