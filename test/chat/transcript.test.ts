import { describe, expect, it } from "vitest";
import { renderTranscript, Transcript, transcriptForm } from "../../src/chat/transcript.ts";

function example(): Transcript {
  const transcript = new Transcript("demo");
  transcript.begin("a.png");
  transcript.add({ question: "What?\nAnd where?", answer: "A cat.", finish: "stop" });
  transcript.add({ question: "Why?", answer: "Be\u001b[31mcause", finish: "interrupted" });
  transcript.begin("unasked.png");
  transcript.begin("b\u009b.png");
  transcript.add({ question: "Who?", answer: "", finish: "stop" });
  return transcript;
}

describe("a transcript", () => {
  it("is Markdown that can be read", () => {
    expect(renderTranscript(example(), "markdown")).toBe(
      [
        "# a.png",
        "> What?\n> And where?",
        "A cat.",
        "> Why?",
        String.raw`Be\x1b[31mcause *(stopped)*`,
        String.raw`# b\x9b.png`,
        "> Who?",
        "",
        "*Answered by demo.*\n",
      ].join("\n\n"),
    );
  });

  it("is JSON with everything in it, and no control character", () => {
    const json = renderTranscript(example(), "json");
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(JSON.parse(json)).toEqual({
      model: "demo",
      conversations: [
        {
          image: "a.png",
          turns: [
            { question: "What?\nAnd where?", answer: "A cat.", finish: "stop" },
            { question: "Why?", answer: "Be\u001b[31mcause", finish: "interrupted" },
          ],
        },
        { image: "b\u009b.png", turns: [{ question: "Who?", answer: "", finish: "stop" }] },
      ],
    });
  });

  it("has the form that the file's name asks for", () => {
    expect(["a.md", "notes", "x/y.txt", "a.MARKDOWN", ".notes", "a.b/c"].map(transcriptForm)).toEqual(
      Array.from({ length: 6 }, () => "markdown"),
    );
    expect(["a.json", "x.y.JSON"].map(transcriptForm)).toEqual(["json", "json"]);
    expect(["a.png", "a.docx", "a.jsonl"].map(transcriptForm)).toEqual([undefined, undefined, undefined]);
  });
});
