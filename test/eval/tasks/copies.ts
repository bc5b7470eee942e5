import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TaskName } from "../../../src/eval/names.ts";
import type { Protocol } from "../../../src/eval/protocols.ts";
import { parquet } from "../write-parquet.ts";

/** Bytes that are no text: whoever takes them for one changes them. */
export const PICTURE: Uint8Array = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0, 0xc3, 0x28]);
export const SECOND: Uint8Array = Uint8Array.from([...PICTURE, 1]);

const lines = (...rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A copy of a benchmark, as small as it can be. */
export interface Copy {
  readonly task: TaskName;
  readonly protocol: Protocol;
  readonly files: Files;
}

const SHORT = "\nAnswer the question using a single word or phrase.";
const pictures = { pictures: [PICTURE, SECOND] };

/** Questions of MMMU: about picture 1, about two, and about picture 2 alone. */
export function mmmuRows(subject = "Art_Theory"): Uint8Array {
  const none = [null, null, null];
  return parquet({
    id: { texts: [7, 8, 9].map((number) => `validation_${subject}_${number}`) },
    question: { texts: ["What is <image 1>? See <image 1>.", "Which?", "How many are in <image 2>?"] },
    options: { texts: [`['red', "the owner's", 'a\\nb']`, "['<image 1>', '<image 2>']", "[]"] },
    answer: { texts: ["B", "A", "['24/7', '3.429']"] },
    question_type: { texts: ["multiple-choice", "multiple-choice", "open"] },
    image_1: { pictures: [PICTURE, PICTURE, PICTURE] },
    image_2: { pictures: [null, SECOND, SECOND] },
    ...Object.fromEntries([3, 4, 5, 6, 7].map((number) => [`image_${number}`, { pictures: none }])),
  });
}

export const COPIES: readonly Copy[] = [
  {
    task: "pope",
    protocol: "llava",
    files: {
      "llava_pope_test.jsonl": lines(
        { question_id: 1, image: "a.jpg", text: `Is there a cat?${SHORT}`, category: "random" },
        { question_id: 2, image: "b.jpg", text: `Is there a dog?${SHORT}`, category: "popular" },
        { question_id: 3, image: "a.jpg", text: `Is there a cow?${SHORT}`, category: "random" },
      ),
      "coco/coco_pope_random.json": lines({ label: "yes" }, { label: "no" }),
      "coco/coco_pope_popular.json": lines({ label: "no" }),
      "coco/coco_pope_adversarial.json": "",
      "val2014/a.jpg": PICTURE,
      "val2014/b.jpg": SECOND,
    },
  },
  {
    task: "pope",
    protocol: "lmms-eval",
    files: {
      "data/test-00000-of-00001.parquet": parquet({
        question_id: { texts: ["1", "1"] },
        question: { texts: [" Is there a cat? ", "Is there a dog?"] },
        answer: { texts: ["yes", "no"] },
        category: { texts: ["random", "popular"] },
        image: pictures,
      }),
    },
  },
  {
    task: "mme",
    protocol: "llava",
    files: {
      "llava_mme.jsonl": lines(
        { question_id: "OCR/1.jpg", image: "OCR/1.jpg", text: `Is it "A"?${SHORT}`, category: "OCR" },
        { question_id: "OCR/1.jpg", image: "OCR/1.jpg", text: `Is it "B"?${SHORT}`, category: "OCR" },
        {
          question_id: "artwork/2.jpg",
          image: "artwork/2.jpg",
          text: `Is it old? Please answer yes or no.${SHORT}`,
        },
      ),
      "MME_Benchmark_release_version/OCR/1.jpg": PICTURE,
      "MME_Benchmark_release_version/OCR/1.txt":
        'Is it "A"? Please answer yes or no.\tYes\r\nIs it "B"?  Please answer yes or no.\tNo\r\n',
      "MME_Benchmark_release_version/artwork/images/2.jpg": SECOND,
      "MME_Benchmark_release_version/artwork/questions_answers_YN/2.txt":
        "Is it old? Please answer yes or no.\tNo",
    },
  },
  {
    task: "mme",
    protocol: "lmms-eval",
    files: {
      "data/test-00000-of-00002.parquet": parquet({
        question_id: { texts: ["OCR/1.jpg", "OCR/1.jpg"] },
        question: { texts: ["Is it A? Please answer yes or no.", "Is it B? Please answer yes or no."] },
        answer: { texts: ["Yes", "No"] },
        category: { texts: ["OCR", "OCR"] },
        image: pictures,
      }),
    },
  },
  {
    task: "gqa",
    protocol: "llava",
    files: {
      "llava_gqa_testdev_balanced.jsonl": lines({
        question_id: "201",
        image: "n1.jpg",
        text: `What is it?${SHORT}`,
        category: "default",
      }),
      "data/testdev_balanced_questions.json": JSON.stringify({ 201: { answer: "dog", imageId: "n1" } }),
      "images/n1.jpg": PICTURE,
    },
  },
  {
    task: "gqa",
    protocol: "lmms-eval",
    files: {
      "testdev_balanced_instructions/testdev-00000-of-00001.parquet": parquet({
        id: { texts: ["1", "2", "3"] },
        imageId: { texts: ["n2", "n1", "n2"] },
        question: { texts: ["What is it?", "Where?", "Who?"] },
        answer: { texts: ["dog", "left", "man"] },
      }),
      "testdev_balanced_images/testdev-00000-of-00001.parquet": parquet({
        id: { texts: ["n1", "n2"] },
        image: pictures,
      }),
    },
  },
  {
    task: "textvqa",
    protocol: "llava",
    files: {
      "llava_textvqa_val_v051_ocr.jsonl": lines({
        question_id: "f1",
        image: "f1.jpg",
        text: `What Brand?\nReference OCR token: nokia, 3310${SHORT}`,
        category: "default",
      }),
      "TextVQA_0.5.1_val.json": JSON.stringify({
        data: [
          { image_id: "f1", question: "where?", answers: ["no"] },
          { image_id: "f1", question: "what brand?", answers: Array.from({ length: 10 }, () => "nokia") },
        ],
      }),
      "train_images/f1.jpg": PICTURE,
    },
  },
  {
    task: "textvqa",
    protocol: "lmms-eval",
    files: {
      "data/validation-00000-of-00001.parquet": parquet({
        question_id: { numbers: [34602, 34603] },
        question: { texts: ["what does the NHL say?", "Who?"] },
        answers: { lists: [["nokia", "nokia"], ["toyota"]] },
        image: pictures,
      }),
    },
  },
  {
    task: "scienceqa",
    protocol: "lmms-eval",
    files: {
      "ScienceQA-IMG/test-00000-of-00001.parquet": parquet({
        question: { texts: ["Which?", "What?"] },
        choices: {
          lists: [
            ["one", "two"],
            ["red", "blue", "green"],
          ],
        },
        answer: { numbers: [1, 2] },
        hint: { texts: ["Look.", ""] },
        image: pictures,
      }),
    },
  },
  {
    task: "mmbench",
    protocol: "llava",
    files: {
      "mmbench_dev_20230712.tsv": [
        "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsource\tl2-category\tcomment\tsplit",
        `5\tWhich?\t"A ""hint""\n\nover three lines"\tred\tblue\t\t\tB\tcolor\t${Buffer.from(PICTURE).toString("base64")}\tx\ty\t\tdev`,
        `1000005\tWhich?\tnan\tblue\tred\tnan\tnan\tA\tcolor\t${Buffer.from(SECOND).toString("base64")}\tx\ty\t\tdev`,
        "",
      ].join("\n"),
    },
  },
  {
    task: "mmbench",
    protocol: "lmms-eval",
    files: {
      "en/dev-00000-of-00001.parquet": parquet({
        index: { numbers: [5, 1_000_005] },
        question: { texts: ["Which?", "Which?"] },
        hint: { texts: ["A hint.", "nan"] },
        A: { texts: ["red", "blue"] },
        B: { texts: ["blue", "red"] },
        C: { texts: ["nan", null] },
        D: { texts: ["nan", null] },
        answer: { texts: ["B", "A"] },
        category: { texts: ["color", "color"] },
        image: pictures,
      }),
    },
  },
  {
    task: "ai2d",
    protocol: "lmms-eval",
    files: {
      "data/test-00000-of-00001.parquet": parquet({
        question: { texts: ["Which?", "What?"] },
        options: {
          lists: [
            ["a", "b"],
            ["c", "d", "e", "f"],
          ],
        },
        answer: { texts: ["1", "3"] },
        image: pictures,
      }),
    },
  },
  {
    task: "chartqa",
    protocol: "lmms-eval",
    files: {
      "data/test-00000-of-00001.parquet": parquet({
        type: { texts: ["human_test", "augmented_test"] },
        question: { texts: ["How many?", "Which?"] },
        answer: { texts: ["14", "Peru"] },
        image: pictures,
      }),
    },
  },
  {
    task: "docvqa",
    protocol: "lmms-eval",
    files: {
      "DocVQA/validation-00000-of-00001.parquet": parquet({
        questionId: { texts: ["49153", "49154"] },
        question: { texts: ["What date?", "Who?"] },
        answers: { lists: [["1/8/93"], ["Ann", "Ann B."]] },
        image: pictures,
      }),
    },
  },
  {
    task: "seed",
    protocol: "lmms-eval",
    files: {
      "data/test-00000-of-00001.parquet": parquet({
        question_id: { texts: ["101", "v1"] },
        question: { texts: ["How many?", "What happens?"] },
        choice_a: { texts: ["One", "x"] },
        choice_b: { texts: ["Two", "x"] },
        choice_c: { texts: ["Three", "x"] },
        choice_d: { texts: ["Four", "x"] },
        answer: { texts: ["A", "B"] },
        data_type: { texts: ["image", "video"] },
        image: { pictureLists: [[PICTURE], [SECOND, PICTURE]] },
      }),
    },
  },
  {
    task: "realworldqa",
    protocol: "lmms-eval",
    files: {
      "data/test-00000-of-00001.parquet": parquet({
        question: { texts: ["Which way?\n\nA. Left\nB. Right\n\nAnswer directly.", " How many? "] },
        answer: { texts: ["A", "3"] },
        image: pictures,
      }),
    },
  },
  {
    task: "mmvet",
    protocol: "lmms-eval",
    files: {
      "data/test-00000-of-00001.parquet": parquet({
        question_id: { texts: ["v1_0", "1"] },
        question: { texts: ["What is x?", "Why?"] },
        answer: { texts: ["-1<AND>-5", "so"] },
        image: pictures,
      }),
    },
  },
  {
    task: "mathvista",
    protocol: "lmms-eval",
    files: {
      "data/testmini-00000-of-00001.parquet": parquet({
        pid: { texts: ["1", "2", "3", "4", "5"] },
        question: { texts: ["Which shape?", "How far?", "How many?", "Between which years?", "What share?"] },
        image: { texts: ["images/1.jpg", "images/2.jpg", "images/3.jpg", "images/4.jpg", "images/5.jpg"] },
        decoded_image: { pictures: [PICTURE, SECOND, PICTURE, SECOND, PICTURE] },
        choices: { lists: [["circle", "square"], [], null, null, null] },
        unit: { texts: [null, "cm", "", null, null] },
        precision: { doubles: [null, 1, null, null, 2] },
        answer: { texts: ["square", "1.2", "3", "[2007, 2008]", "0.25"] },
        question_type: { texts: ["multi_choice", "free_form", "free_form", "free_form", "free_form"] },
        answer_type: { texts: ["text", "float", "integer", "list", "float"] },
        metadata: {
          fields: {
            category: { texts: ["general-vqa", "x", "x", "x", "x"] },
            img_height: { numbers: [720, 1, 1, 1, 1] },
            skills: { lists: [["geometry reasoning", "arithmetic reasoning"], [], [], [], []] },
          },
        },
      }),
    },
  },
  { task: "mmmu", protocol: "lmms-eval", files: { "data/validation-00000-of-00001.parquet": mmmuRows() } },
];

/** Writes a copy's files into a folder. */
export async function writeCopy(folder: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}
