// Prints `N passed, N failed` from vitest's JSON report. Fails when a test or a test file did, when none ran,
// or when the run itself failed (its exit status is the second argument).
import { readFileSync } from "node:fs";

const [path, status] = process.argv.slice(2);
let report;
try {
  report = JSON.parse(readFileSync(path, "utf8"));
} catch {
  report = { numPassedTests: 0, numFailedTests: 0, testResults: [] };
}
const passed = report.numPassedTests;
// a file that cannot even be loaded has no tests to fail, and fails all the same
const brokenFiles = report.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
).length;
const failed = report.numFailedTests + brokenFiles;

if (failed > 0 || passed === 0 || status !== "0") process.exitCode = 1;
console.log(`${passed} passed, ${failed} failed`);
