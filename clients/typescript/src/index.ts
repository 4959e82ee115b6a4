export * from "./client.js";
export * from "./errors.js";
export * from "./worker.js";
export type * from "./generated.js";
export { operations } from "./generated.js";
