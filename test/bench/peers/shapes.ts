/** A language model of llama.cpp, by the published sizes. */
export interface LanguageShape {
  /** llama.cpp's name of the architecture */
  readonly architecture: "qwen2vl" | "internlm2" | "minicpm";
  readonly vocabSize: number;
  readonly width: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  readonly headsKv: number;
  readonly contextLength: number;
  readonly ropeBase: number;
  readonly normEps: number;
  /** the output layer is the embedding matrix */
  readonly tied: boolean;
  /** of queries, keys and values */
  readonly biases: boolean;
  /** parts of a head that turn with time, height, width and nothing: only of a multimodal rotary embedding */
  readonly ropeSections?: readonly number[];
}

/** A vision encoder of llama.cpp and what leads from it to the language model, by the published sizes. */
export interface VisionShape {
  readonly projector: "qwen2vl_merger" | "internvl" | "resampler";
  readonly imageSize: number;
  readonly patchSize: number;
  readonly width: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  readonly gelu: "quick" | "tanh";
  /** rows of learned position embeddings; 0 where positions turn queries and keys */
  readonly positions: number;
}

/** A model of the paper's comparison. */
export interface Peer {
  readonly name: string;
  readonly language: LanguageShape;
  readonly vision: VisionShape;
  /** texts that llama.cpp looks up among the tokens */
  readonly markers: readonly string[];
}

const CHATML = ["<|im_start|>", "<|im_end|>"];

/** Sizes of `config.json` and `preprocessor_config.json` of the published repositories. */
export const PEERS: Readonly<Record<"qwen2-vl-2b" | "internvl2-2b" | "minicpm-v-2", Peer>> = {
  // Qwen/Qwen2-VL-2B-Instruct, arXiv 2409.12191: any resolution, four patches a token
  "qwen2-vl-2b": {
    name: "Qwen2-VL-2B",
    language: {
      architecture: "qwen2vl",
      vocabSize: 151_936,
      width: 1536,
      intermediate: 8960,
      layers: 28,
      heads: 12,
      headsKv: 2,
      contextLength: 32_768,
      ropeBase: 1e6,
      normEps: 1e-6,
      tied: true,
      biases: true,
      ropeSections: [16, 24, 24, 0],
    },
    vision: {
      projector: "qwen2vl_merger",
      imageSize: 560,
      patchSize: 14,
      width: 1280,
      intermediate: 5120,
      layers: 32,
      heads: 16,
      gelu: "quick",
      positions: 0,
    },
    markers: [...CHATML, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"],
  },
  // OpenGVLab/InternVL2-2B (InternViT-300M-448px, internlm2-chat-1_8b), arXiv 2404.16821: 256 tokens for each of up to 12 + 1 tiles
  "internvl2-2b": {
    name: "InternVL2-2B",
    language: {
      architecture: "internlm2",
      vocabSize: 92_553,
      width: 2048,
      intermediate: 8192,
      layers: 24,
      heads: 16,
      headsKv: 8,
      contextLength: 32_768,
      ropeBase: 1e6,
      normEps: 1e-5,
      tied: false,
      biases: false,
    },
    vision: {
      projector: "internvl",
      imageSize: 448,
      patchSize: 14,
      width: 1024,
      intermediate: 4096,
      layers: 24,
      heads: 16,
      gelu: "tanh",
      positions: 1025,
    },
    markers: [...CHATML, "<img>", "</img>", "<IMG_CONTEXT>"],
  },
  // openbmb/MiniCPM-V-2 (SigLIP-400M, MiniCPM-2B), arXiv 2408.01800: 64 tokens for each of up to 9 + 1 slices
  "minicpm-v-2": {
    name: "MiniCPM-V-2",
    language: {
      architecture: "minicpm",
      vocabSize: 122_753,
      width: 2304,
      intermediate: 5760,
      layers: 40,
      heads: 36,
      headsKv: 36,
      contextLength: 4096,
      ropeBase: 1e4,
      normEps: 1e-5,
      tied: true,
      biases: false,
    },
    vision: {
      projector: "resampler",
      imageSize: 448,
      patchSize: 14,
      width: 1152,
      intermediate: 4304,
      layers: 26,
      heads: 16,
      gelu: "tanh",
      positions: 70 * 70,
    },
    markers: [...CHATML, "<image>", "</image>", "<slice>", "</slice>"],
  },
};
