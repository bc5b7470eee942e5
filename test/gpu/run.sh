#!/usr/bin/env bash
# Measures the devices of this machine, from an archive that pack.sh made: prints one table. Options: see main.ts.
#   ./run.sh                              every pair of devices, 200 drawings, both goldens
#   ./run.sh --pairs webgpu+vulkan        one pair
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
exec "$here/../../node" "$here/build/test/gpu/main.js" "$@"
