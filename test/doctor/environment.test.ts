import { expect, it } from "vitest";
import { environmentThatMatters } from "../../src/doctor/environment.ts";

it("names the variables that matter and are set, and masks what is secret in them", () => {
  expect(
    environmentThatMatters({
      HF_TOKEN: "hf_abc",
      FLASHSLOTH_API_KEY: "",
      https_proxy: "http://user:password@proxy.example:3128",
      HTTP_PROXY: "user:password@proxy.example:3128",
      HF_ENDPOINT: "https://token@mirror.example/hub",
      CUDA_VISIBLE_DEVICES: "0",
      AWS_SECRET_ACCESS_KEY: "not ours",
    }),
  ).toEqual({
    HF_TOKEN: "(set)",
    FLASHSLOTH_API_KEY: "(empty)",
    https_proxy: "http://(masked)@proxy.example:3128",
    HTTP_PROXY: "(masked)@proxy.example:3128",
    HF_ENDPOINT: "https://(masked)@mirror.example/hub",
    CUDA_VISIBLE_DEVICES: "0",
  });
});
