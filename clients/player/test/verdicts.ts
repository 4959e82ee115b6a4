/**
 * Runs programs for tests: a line in, `[program, variables as JSON]`, a line out, `["value", text]` or `["ask", why]`.
 */

import { createInterface } from "node:readline";

import { signatures } from "../src/feel/builtins.js";
import { evaluate, from, read, string, write } from "../src/feel/index.js";
import type { Program, Value } from "../src/feel/index.js";

const answer = (line: string): unknown => {
  if (line === "signatures") return signatures();
  // How plain values and JSON are read: `from JSON`, `read JSON`.
  if (line.startsWith("from ")) return string(from(JSON.parse(line.slice(5))), true);
  if (line.startsWith("read ")) return string(read(line.slice(5)), true);
  const [program, variables, repeat = 1] = JSON.parse(line) as [Program, string, number?];
  const given = read(variables) as Map<string, Value>;
  const start = process.hrtime.bigint();
  let outcome = evaluate(program, given);
  for (let i = 1; i < repeat; i++) outcome = evaluate(program, given);
  const spent = Number(process.hrtime.bigint() - start) / repeat;
  if (outcome.ask !== undefined) return ["ask", outcome.ask, spent];
  const value = outcome.value!;
  // What is written is JSON, and the same when it is read.
  const written = write(value);
  JSON.parse(written);
  if (write(read(written)) !== written) throw new Error(`not the same when it is read: ${written}`);
  return ["value", string(value, true), spent];
};

for await (const line of createInterface({ input: process.stdin })) {
  let result: unknown;
  try {
    result = answer(line);
  } catch (error) {
    result = ["failed", (error as Error).name, String((error as Error).stack)];
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
