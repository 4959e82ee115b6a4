/** FEEL in the browser: programs that the server made of expressions, with the server's verdicts. */

export { from, read, write } from "./json.js";
export { evaluate } from "./run.js";
export type { Outcome, Program, Variables } from "./run.js";
export { string } from "./values.js";
export type { Context, Value } from "./values.js";
