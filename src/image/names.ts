const EXTENSION = /\.(jpe?g|png|webp|avif|gif|tiff?|svg|heic|heif|bmp)$/i;

/** Whether a file is called as pictures are, which says nothing about its content. */
export function hasPictureName(name: string): boolean {
  return EXTENSION.test(name);
}
