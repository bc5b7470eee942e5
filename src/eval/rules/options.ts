/** `A. …`, a line for each option. */
export function optionLines(options: readonly string[]): string {
  return options.map((option, index) => `${letterOf(index)}. ${option}`).join("\n");
}

/** The letter of an option, from 0 on. */
export function letterOf(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}
