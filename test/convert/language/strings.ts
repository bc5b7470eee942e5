import { randomIntegers } from "../../random.ts";

/** Kinds of text that tokenizers disagree about; the seed decides which strings come out. */
export function* testStrings(count: number, seed: number): Generator<string> {
  const random = randomIntegers(seed);
  const pick = <T>(list: readonly T[]): T => list[random() % list.length] as T;
  const repeat = (piece: () => string, most: number): string => {
    let text = "";
    for (let n = 1 + (random() % most); n > 0; n--) text += piece();
    return text;
  };
  const codePoint = (): string => {
    for (;;) {
      const [first, last] = pick(BLOCKS);
      const point = first + (random() % (last - first + 1));
      if (point < 0xd800 || point > 0xdfff) return String.fromCodePoint(point);
    }
  };
  const kinds: (() => string)[] = [
    () => repeat(() => pick([pick(WORDS), ` ${pick(WORDS)}`, `${pick(WORDS)}'${pick(ENDINGS)}`]), 12),
    () => repeat(() => pick(SPACES).repeat(1 + (random() % 40)) + pick(["", "x", "1", "."]), 5),
    () => repeat(() => `${pick(CODE)}${pick(SPACES).repeat(random() % 10)}`, 10),
    () => repeat(() => pick([...SPECIAL, " ", pick(WORDS), "\n"]), 6),
    () => repeat(codePoint, 30),
    () => repeat(() => pick([codePoint(), pick(SPACES), pick(WORDS), pick(MARKS), `${random() % 1e6}`]), 20),
  ];
  for (let index = 0; index < count; index++) yield pick(kinds)();
}

/** Ranges that were assigned long before the Unicode tables of either side were made. */
const BLOCKS: readonly (readonly [number, number])[] = [
  [0x01, 0x7f],
  [0x80, 0x24f],
  [0x300, 0x36f],
  [0x391, 0x3a1],
  [0x400, 0x4ff],
  [0x5d0, 0x5ea],
  [0x621, 0x64a],
  [0x660, 0x669],
  [0x904, 0x939],
  [0xe01, 0xe3a],
  [0x10a0, 0x10c5],
  [0x1100, 0x11ff],
  [0x1e00, 0x1eff],
  [0x2000, 0x206f],
  [0x2070, 0x2071],
  [0x20a0, 0x20bf],
  [0x2150, 0x218b],
  [0x2200, 0x23ff],
  [0x2460, 0x24ff],
  [0x3000, 0x303f],
  [0x3041, 0x3096],
  [0x30a1, 0x30fa],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0xe000, 0xe0ff],
  [0xfb00, 0xfb06],
  [0xfe00, 0xfe0f],
  [0xff01, 0xff5e],
  [0x1_0330, 0x1_034a],
  [0x1_d400, 0x1_d454],
  [0x1_f300, 0x1_f64f],
  [0x1_f1e6, 0x1_f1ff],
  [0xe_0100, 0xe_01ef],
];
const WORDS = [
  "What",
  "colour",
  "is",
  "the",
  "SLOTH",
  "naïve",
  "Straße",
  "2024",
  "3.14",
  "a",
  "I",
  "don",
  "we",
  "ΑΒΓ",
  "привет",
  "漢字",
  "شكرا",
  "e\u0301",
];
const ENDINGS = ["s", "t", "re", "ve", "m", "ll", "d", "S", "x", "LL", " s"];
const SPACES = [
  " ",
  "\t",
  "\n",
  "\r\n",
  "\u00a0",
  "\u2003",
  "\u3000",
  "\u0085",
  "\u000b",
  "\u001c",
  "\u200b",
  "\ufeff",
  "\u2028",
  "\u180e",
];
const CODE = [
  "for (;;)",
  "{",
  "}",
  "=>",
  "const x = 1;",
  "// note",
  "#include <x>",
  "\\n",
  "$_",
  "a[0]",
  "</div>",
  "def f(x):",
  "&&",
  "...",
  "`",
];
const SPECIAL = [
  "</s>",
  "<learnable>",
  "<image>",
  "<|endoftext|>",
  "<s>",
  "[PAD50300]",
  "[PAD51199]",
  "<|im_end|>",
  "< /s>",
  "</ s>",
  "<|endoftext",
  "<unk>",
  "<0x0A>",
  "[EMPTY_3]",
  "Ġ",
  "ĊĊ",
];
const MARKS = ["'", '"', "?!", "—", "…", "@", "#", "%", "€", "'s", "''", "\u200d", "👩‍👩‍👧", "🦥", "🇩🇪"];
