/** Client of the Guerdon API: types made from the API document, and a thin wrapper of `fetch`. */
export { GuerdonClient, type ClientOptions, type Operation, type Request, type Success, type Tokens } from "./client.js";
export { add, compare, format, isZero, negate, subtract, type Money } from "./money.js";
export { ProblemError, type Problem } from "./problem.js";
export type { components, paths } from "./schema.js";
