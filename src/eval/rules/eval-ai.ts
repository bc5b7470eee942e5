/**
 * The normal form of an answer in VQA, TextVQA and their kin, as EvalAI compares it. Source: MMF's `EvalAIAnswerProcessor`, in
 * FlashSloth's repository `flashsloth/eval/m4c_evaluator.py` and, alike, `lmms_eval/tasks/_task_utils/vqa_eval_metric.py`. What it
 * does, not what it means to do: commas go before numbers are looked at, and only some 's are ever put back.
 */
export function evalAiForm(answer: string): string {
  const words = answer.toLowerCase().replaceAll(/[,?]/g, "").replaceAll("'s", " 's").trim();
  const line = words.replaceAll(/[\n\t]/g, " ").trim();
  return withoutArticles(withoutPunctuation(line));
}

const PUNCTUATION = Array.from(';/[]"{}()=+\\_-><@`,?!');
/** As many full stops are taken away: `re.UNICODE` stands where the number of replacements belongs. */
const MOST_FULL_STOPS = 32;

/** A mark beside a blank goes, another one becomes a blank; a full stop goes unless a digit follows. */
function withoutPunctuation(text: string): string {
  let result = text;
  for (const mark of PUNCTUATION) {
    const beside = text.includes(`${mark} `) || text.includes(` ${mark}`);
    result = result.replaceAll(mark, beside ? "" : " ");
  }
  let left = MOST_FULL_STOPS;
  return result.replaceAll(/\.(?!\p{Nd})/gu, (stop) => (left-- > 0 ? "" : stop));
}

const NUMBERS = new Map([
  ["none", "0"],
  ["zero", "0"],
  ["one", "1"],
  ["two", "2"],
  ["three", "3"],
  ["four", "4"],
  ["five", "5"],
  ["six", "6"],
  ["seven", "7"],
  ["eight", "8"],
  ["nine", "9"],
  ["ten", "10"],
]);
const ARTICLES = new Set(["a", "an", "the"]);

function withoutArticles(text: string): string {
  return text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => NUMBERS.get(word) ?? word)
    .filter((word) => !ARTICLES.has(word))
    .map((word) => CONTRACTIONS.get(word) ?? word)
    .join(" ");
}

/** Words that lack their apostrophe, by what it stands before: `dont`, `youre`. */
const ONE_APOSTROPHE: Readonly<Record<string, string>> = {
  "'t": "ain aren can couldn didn doesn don hadn hasn haven isn mightn mustn needn oughtn shan shouldn wasn weren won wouldn",
  "'ve": "could might must not should they we what where who would you",
  "'d": "he how it someone something there they where who you",
  "'ll": "how it somebody someone something they what who why you",
  "'re": "there they what why you",
  "'s": "he how somebody someone that there what when where who why",
  "'am": "ma",
  "'clock": "o",
  "'twas": "",
  "'all": "y",
};
/** Words that lack one of their two apostrophes: `couldnt've`, `couldn'tve`. */
const TWO_APOSTROPHES: Readonly<Record<string, string>> = {
  "n't've": "could had might should would",
  "'d've": "he it she somebody someone something there they we who you y'all",
  "'all'll": "y",
};
/** What the list has besides, a slip of its own among it. */
const OTHERS = {
  "'ows'at": "'ow's'at",
  "somebody'd": "somebodyd",
  "yall'd've": "y'all'd've",
} as const;

const CONTRACTIONS: ReadonlyMap<string, string> = contractions();

function contractions(): Map<string, string> {
  const found = new Map<string, string>(Object.entries(OTHERS));
  for (const [end, stems] of Object.entries(ONE_APOSTROPHE)) {
    for (const stem of stems.split(" ")) found.set(stem + end.slice(1), stem + end);
  }
  for (const [end, stems] of Object.entries(TWO_APOSTROPHES)) {
    const second = end.lastIndexOf("'");
    for (const stem of stems.split(" ")) {
      found.set(stem + end.replace("'", ""), stem + end);
      found.set(stem + end.slice(0, second) + end.slice(second + 1), stem + end);
    }
  }
  return found;
}
