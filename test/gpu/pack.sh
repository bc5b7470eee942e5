#!/usr/bin/env bash
# Packs what measures a GPU on a bare machine (Linux, x64): Node, the libraries, the demo and parity checkpoints' fixtures, and run.sh.
# Writes OUT/flashsloth-gpu-kit.tar.gz.aa, .ab, …, of at most 60 MiB each. There:
#   cat flashsloth-gpu-kit.tar.gz.* | tar xz && flashsloth-gpu-kit/run.sh
set -euo pipefail
out=$(mkdir -p "${1:?usage: test/gpu/pack.sh OUT-DIR [--without-cuda]}" && cd "$1" && pwd)
left_out='/typescript$|/@typescript/|linux-(arm|armv7l|arm64)|-ext$'
[ "${2:-}" != --without-cuda ] || left_out+='|linux-x64-cuda'

cd "$(dirname "$0")/../.."

npm run --silent build
npx tsc -p test/gpu
kit=$(mktemp -d)/flashsloth-gpu-kit
trap 'rm -rf "$(dirname "$kit")"' EXIT
mkdir -p "$kit"

cp "$(readlink -f "$(command -v node)")" "$kit/node"
cp -r package.json dist "$kit/"
mkdir -p "$kit/src/store" "$kit/test/gpu" "$kit/test/fixtures"
cp -r src/store/demo "$kit/src/store/"
cp -r test/gpu/build test/gpu/run.sh "$kit/test/gpu/"
cp -r test/fixtures/eval test/fixtures/parity "$kit/test/fixtures/"
ln -s test/gpu/run.sh "$kit/run.sh"

# what runs, and of it only what this platform loads
{
  npm ls --omit=dev --all --parseable 2>/dev/null | tail -n +2
  ls -d "$PWD"/node_modules/@node-llama-cpp/linux-x64-{vulkan,cuda} # a choice, which is made here
} | sed "s#^$PWD/##" | sort -u |
  grep -vE "$left_out" |
  tar c --exclude='onnxruntime-node/bin/napi-v6/darwin' --exclude='onnxruntime-node/bin/napi-v6/win32' \
    --exclude='onnxruntime-node/bin/napi-v6/linux/arm64' --exclude='node-llama-cpp/llama/*.bundle' \
    --exclude='*.map' -T - | tar x -C "$kit"

rm -f "$out"/flashsloth-gpu-kit.tar.gz.*
tar c -C "$(dirname "$kit")" flashsloth-gpu-kit | gzip -6 | split -b 60M - "$out/flashsloth-gpu-kit.tar.gz."
ls -l "$out"/flashsloth-gpu-kit.tar.gz.*
