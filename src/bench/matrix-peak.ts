import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Provider } from "../core/model/device.ts";
import { type Graph, GraphBuilder } from "../formats/onnx/builder.ts";
import { writeGraph } from "../formats/onnx/write.ts";
import { openSession } from "../onnxruntime/open.ts";
import type { Sizes } from "./flops.ts";
import { median } from "./statistics.ts";

/** What onnxruntime reaches on matrix products alone. */
export interface MatrixPeak {
  /** 10^9 floating-point operations a second, in the fastest run and in the median one */
  readonly best: number;
  readonly median: number;
  readonly runs: number;
}

export interface MatrixPeakOptions {
  readonly sizes: Sizes;
  readonly provider: Provider;
  readonly threads: number;
  /** @default 10 */
  readonly runs?: number | undefined;
  /**
   * Pack the weights ahead of time: onnxruntime's fastest way, which costs memory and seconds at loading.
   * @default true
   */
  readonly prepack?: boolean | undefined;
}

/** Products of one encoder block that read weights, chained: four projections and the MLP's two, nothing between. */
function chain(sizes: Sizes): readonly (readonly [number, number])[] {
  const { featureWidth: width, layerSizes } = sizes;
  const projection = [width, width] as const;
  const inner = layerSizes.visionIntermediate;
  return [projection, projection, projection, projection, [width, inner], [inner, width]];
}

/** Floating-point operations of one run. */
export function peakFlops(sizes: Sizes): number {
  return chain(sizes).reduce(
    (sum, [inputs, outputs]) => sum + 2 * sizes.featuresPerCrop * inputs * outputs,
    0,
  );
}

/** `x` float32 [patches, width] -> `y` of the same shape, by matrix products only. */
export function peakGraph(sizes: Sizes): Graph {
  const { featuresPerCrop: patches, featureWidth: width } = sizes;
  const g = new GraphBuilder("matrix-peak");
  const shape = [patches, width];
  let x = g.input("x", "float32", shape);
  for (const [index, [inputs, outputs]] of chain(sizes).entries()) {
    const load = async (): Promise<Float32Array> => spread(inputs * outputs, Math.sqrt(3 / inputs));
    x = g.matmul(x, g.weight({ name: `w${index}`, element: "float32", shape: [inputs, outputs], load }));
  }
  g.output("y", x, shape);
  return g.build();
}

/** Values spread evenly over (-bound, bound): with bound = sqrt(3 / inputs) the products neither grow nor vanish. */
function spread(count: number, bound: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * bound;
  });
}

/**
 * Measures this machine's matrix-product peak on the encoder's own shapes, float32.
 * @throws as `openSession` and `writeGraph` do
 */
export async function measureMatrixPeak(options: MatrixPeakOptions): Promise<MatrixPeak> {
  const { sizes, provider, threads, runs = 10, prepack = true } = options;
  const { featuresPerCrop: patches, featureWidth: width } = sizes;
  const directory = await mkdtemp(join(tmpdir(), "flashsloth-bench-"));
  try {
    const file = "peak.onnx";
    await writeGraph({ graph: peakGraph(sizes), directory, file });
    const path = join(directory, file);
    const session = await openSession({ path, provider, threads, prepack });
    try {
      const x = { type: "float32", data: spread(patches * width, 1), shape: [patches, width] } as const;
      await session.run({ x }, ["y"]);
      const rates: number[] = [];
      for (let run = 0; run < runs; run++) {
        const start = performance.now();
        await session.run({ x }, ["y"]);
        rates.push(peakFlops(sizes) / (performance.now() - start) / 1e6);
      }
      return { best: Math.max(...rates), median: median(rates), runs };
    } finally {
      await session.dispose();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
