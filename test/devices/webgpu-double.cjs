// Loaded into every thread and process by NODE_OPTIONS: a "WebGPU" that computes on the CPU, and is damaged as DOUBLE says. It spoils a
// `row` of the features, has `no-half`, so that it refuses graphs with products in float16, is `lost` when a graph is loaded, or `dies`
// when it is to run.
const Module = require("node:module");

const damage = process.env.DOUBLE;
const load = Module._load;

Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  return request.endsWith("onnxruntime_binding.node") ? doubled(loaded) : loaded;
};

function doubled(native) {
  class InferenceSession {
    #session = new native.InferenceSession();
    #double = false;

    loadModel(path, options) {
      this.#double = options.executionProviders[0] === "webgpu";
      if (this.#double && damage === "lost") throw new Error("the device is lost");
      if (this.#double && damage === "no-half" && path.endsWith("vision.half.onnx")) {
        throw new Error("the adapter has no shader-f16");
      }
      this.#session.loadModel(path, this.#double ? { ...options, executionProviders: ["cpu"] } : options);
    }

    run(feeds, fetches, options) {
      if (this.#double && damage === "dies") process.abort();
      const outputs = this.#session.run(feeds, fetches, options);
      if (this.#double && damage === "row") outputs.features.data.fill(0, 100, 200);
      return outputs;
    }

    get inputMetadata() {
      return this.#session.inputMetadata;
    }

    get outputMetadata() {
      return this.#session.outputMetadata;
    }

    endProfiling() {
      this.#session.endProfiling();
    }

    dispose() {
      this.#session.dispose();
    }
  }
  return {
    InferenceSession,
    initOrtOnce: (...options) => native.initOrtOnce(...options),
    listSupportedBackends: () => native.listSupportedBackends(),
  };
}
