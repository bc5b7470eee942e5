/**
 * Text from a model, a file name or a library, made safe for a terminal: every control character (C0, DEL, C1) and
 * line separator is shown as `\x1b` or `\u2028`, so that no escape sequence is ever obeyed and no line is ever forged.
 * @param keep control characters that may stay
 */
export function visible(text: string, keep = ""): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    if (keep.includes(character)) return character;
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, "0")}`;
  });
}

/** An answer on its own lines: newlines and tabs stay. */
export function visibleText(text: string): string {
  return visible(text, "\n\t");
}

/** An answer on one line: each newline, with the blanks around it, becomes a space. */
export function oneLine(text: string): string {
  return visible(text.trim().replaceAll(/\s*[\n\r\u2028\u2029]\s*/g, " "), "\t");
}
