import * as v from "valibot";

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": "",
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
/** A string in quotes of either kind, on one line. */
const STRING = /'((?:[^'\\\n]|\\[^])*)'|"((?:[^"\\\n]|\\[^])*)"/y;
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([^]))/g;
const LARGEST_CODE = 0x10_ff_ff;

/**
 * The texts of a list as Python writes it, such as `['a', "b's"]`; nothing is evaluated.
 * Source: the Python language reference, "String and Bytes literals".
 * @returns undefined for anything else
 */
export function pythonTexts(source: string): string[] | undefined {
  const list = source.trim();
  if (list.length < 2 || !list.startsWith("[") || !list.endsWith("]")) return undefined;
  const inside = list.slice(1, -1);
  const texts: string[] = [];
  let at = afterBlanks(inside, 0);
  while (at < inside.length) {
    STRING.lastIndex = at;
    const [whole, single, double] = STRING.exec(inside) ?? [];
    const text = whole === undefined ? undefined : unescaped(single ?? double ?? "");
    if (whole === undefined || text === undefined) return undefined;
    texts.push(text);
    at = afterBlanks(inside, at + whole.length);
    if (at === inside.length) break;
    if (inside[at] !== ",") return undefined;
    at = afterBlanks(inside, at + 1);
  }
  return texts;
}

function afterBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text.charAt(at))) at++;
  return at;
}

function unescaped(text: string): string | undefined {
  let bad = false;
  const plain = text.replaceAll(
    ESCAPE,
    (whole: string, ...[two, four, eight, octal, other]: (string | undefined)[]) => {
      const hex = two ?? four ?? eight;
      if (hex === undefined && octal === undefined) return ESCAPES[other ?? ""] ?? whole;
      const code = Number.parseInt(hex ?? octal ?? "", hex === undefined ? 8 : 16);
      if (code <= LARGEST_CODE) return String.fromCodePoint(code);
      bad = true;
      return "";
    },
  );
  return bad ? undefined : plain;
}

/** A list of texts as Python writes it. */
export const pythonTextsSchema: v.GenericSchema<unknown, string[]> = v.pipe(
  v.string(),
  v.transform(pythonTexts),
  v.array(v.string(), "no list of texts as Python writes it"),
);
