#!/usr/bin/env node
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const main = new URL("../dist/lib/flashsloth.js", import.meta.url);

if (major < 20 || (major === 20 && minor < 20)) {
  console.error(`error: flashsloth needs Node 20.20 or newer; this is ${process.versions.node}`);
  process.exitCode = 1;
} else if (existsSync(main)) {
  await import(main.href);
} else {
  console.error("error: flashsloth is not built yet\nhint: run npm run build in its folder");
  process.exitCode = 1;
}
