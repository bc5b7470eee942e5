/** Variables that change what this program, its runtimes or the network do. */
const NAMES = [
  "FLASHSLOTH_HOME",
  "FLASHSLOTH_NATIVE_LOG",
  "FLASHSLOTH_API_KEY",
  "XDG_CACHE_HOME",
  "HF_ENDPOINT",
  "HF_HOME",
  "HF_HUB_CACHE",
  "HF_HUB_OFFLINE",
  "HF_TOKEN",
  "HF_TOKEN_PATH",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "ORT_DISABLE_TELEMETRY",
  "CUDA_VISIBLE_DEVICES",
  "GGML_VK_VISIBLE_DEVICES",
  "VK_DRIVER_FILES",
  "VK_ICD_FILENAMES",
  "VK_ADD_DRIVER_FILES",
  "LD_LIBRARY_PATH",
  "LD_PRELOAD",
  "OMP_NUM_THREADS",
  "NODE_OPTIONS",
  "NODE_EXTRA_CA_CERTS",
] as const;

const SECRET = /(?:TOKEN|KEY|SECRET|PASSWORD)$/;

/** Those of the variables that matter which are set, without secrets: they are pasted into reports of defects. */
export function environmentThatMatters(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const spelt = NAMES.flatMap((name) => (name.endsWith("_PROXY") ? [name, name.toLowerCase()] : [name]));
  const set = spelt.flatMap((name): [string, string][] => {
    const value = env[name];
    return value === undefined ? [] : [[name, masked(name, value)]];
  });
  return Object.fromEntries(set);
}

function masked(name: string, value: string): string {
  if (SECRET.test(name)) return value === "" ? "(empty)" : "(set)";
  // whoever is named in a URL is named with a password
  return value.replaceAll(/\/\/[^/@\s]*@/g, "//(masked)@").replaceAll(/^[^/@\s]*:[^/@\s]*@/g, "(masked)@");
}
