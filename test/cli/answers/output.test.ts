import { describe, expect, it } from "vitest";
import { StreamOutput } from "../../../src/cli/answers/output.ts";
import { sink } from "../sink.ts";

describe("StreamOutput", () => {
  it("writes in order", async () => {
    const { stream, text } = sink();
    const output = new StreamOutput(stream);
    await Promise.all([output.write("a"), output.write("b")]);
    expect(text()).toBe("ab");
    expect(output.closed.aborted).toBe(false);
  });

  it("takes a closed pipe for the end, not for a failure", async () => {
    const output = new StreamOutput(sink({ code: "EPIPE" }).stream);
    await output.write("a");
    await output.write("b");
    expect(output.closed.aborted).toBe(true);
  });

  it("reports any other failure", async () => {
    const output = new StreamOutput(sink({ code: "ENOSPC" }).stream);
    await expect(output.write("a")).rejects.toMatchObject({
      code: "disk",
      message: "the answer cannot be written to standard output: the disk is full",
    });
  });
});
