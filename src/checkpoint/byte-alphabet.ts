/**
 * GPT-2's alphabet: one printable character for each of the 256 bytes, so that a vocabulary of text can hold any bytes.
 * Printable Latin-1 bytes stand for themselves, the others for the characters from U+0100 on, in order
 * (`bytes_to_unicode` of openai/gpt-2, `src/encoder.py`).
 */
export function byteAlphabet(): readonly string[] {
  const alphabet: string[] = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    alphabet.push(String.fromCharCode(printable ? byte : next++));
  }
  return alphabet;
}
