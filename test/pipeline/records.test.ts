import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import { failedRecord, recordLine, recordTimes } from "../../src/pipeline/records.ts";

describe("recordTimes", () => {
  it("gives what passes between the stages to the stage it belongs to, so that all add up", () => {
    const times = recordTimes({ load: 100, encode: 25.04, wait: 0, vision: 20 }, 60, {
      wait: 0,
      prefill: 30,
      firstToken: 4,
    });
    expect(times).toEqual({
      load: 100,
      image: 5,
      vision: 20,
      prefill: 30,
      first_token: 4,
      decode: 26,
      total: 185,
    });
    const { total, ...stages } = times;
    const sum = Object.values(stages).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum - total) / total).toBeLessThan(0.05);
  });

  it("counts waiting for a part that is still loading towards load", () => {
    const times = recordTimes({ load: 10, encode: 40, wait: 15, vision: 20 }, 60, {
      wait: 7,
      prefill: 30,
      firstToken: 4,
    });
    expect(times).toMatchObject({ load: 32, image: 5, vision: 20, prefill: 30, decode: 19, total: 110 });
  });

  it("says how long others were waited for, where that is worth saying, and takes it from no other stage", () => {
    const before = { load: 0, encode: 40, wait: 0, vision: 20, queue: 7 };
    const ask = { wait: 0, queue: 25, prefill: 30, firstToken: 4 };
    const { total, ...stages } = recordTimes(before, 80, ask);
    expect(stages).toEqual({
      load: 0,
      image: 13,
      vision: 20,
      queue: 32,
      prefill: 30,
      first_token: 4,
      decode: 21,
    });
    expect(Object.values(stages).reduce((a, b) => a + b, 0)).toBe(total);
    const hardly = recordTimes({ ...before, queue: 0 }, 80, { ...ask, queue: 0.09 });
    expect(hardly).not.toHaveProperty("queue");
  });

  it("is never negative, even when the engine's clock says more than ours", () => {
    const times = recordTimes({ load: 0, encode: 19, wait: 0, vision: 20 }, 30, {
      wait: 0,
      prefill: 30,
      firstToken: 4,
    });
    expect(times.image).toBe(0);
    expect(times.decode).toBe(0);
  });
});

describe("recordLine", () => {
  it("keeps the fields of a failed record in their order, with the error in place of the answer", () => {
    const error = new FlashSlothError("image-invalid", "not a picture", { hint: "look at it" });
    const line = recordLine(failedRecord({ image: "a.png", question: "q", model: "demo" }, error));
    expect(line).toBe(
      '{"image":"a.png","question":"q","error":{"code":"image-invalid","message":"not a picture"},"model":"demo"}',
    );
  });

  it("is one line of JSON that no terminal obeys and every parser gives back whole", () => {
    const image = "a\n\u001b[31m\u009b2J\u007f\u2028\ud800.png";
    const error = new FlashSlothError("internal", "x");
    const line = recordLine(failedRecord({ image, question: "q", model: "demo" }, error));
    // oxlint-disable-next-line no-control-regex -- none may be left
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(JSON.parse(line)).toMatchObject({ image });
  });
});
