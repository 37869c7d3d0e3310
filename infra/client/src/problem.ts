import type { components } from "./schema.js";

/** Problem document (RFC 9457) of a request that was not carried out. */
export type Problem = components["schemas"]["Problem"];

/** Thrown for every answer that is not a success. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    readonly problem: Problem,
    /** Seconds to wait, where the server says so. */
    readonly retryAfter: number | undefined,
  ) {
    super(problem.detail ?? problem.title);
  }

  /** Stable code, such as `insufficient_balance`. */
  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  /** What would be right in the field at a JSON pointer, such as `/amount`. */
  detailOf(pointer: string): string | undefined {
    return this.problem.errors?.find((error) => error.pointer === pointer)?.detail;
  }
}

/** Reads the problem of an answer; one that is not ours, of a proxy for example, gets a code of its own. */
export async function problemOf(answer: Response): Promise<ProblemError> {
  const text = await answer.text();
  const wait = Number.parseInt(answer.headers.get("retry-after") ?? "", 10);
  const retryAfter = Number.isNaN(wait) ? undefined : wait;
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null && "code" in read && "title" in read) {
      return new ProblemError(read as Problem, retryAfter);
    }
  } catch {
    // Not JSON: below.
  }
  const title = `HTTP ${answer.status}`;
  const problem: Problem = { type: "about:blank", title, status: answer.status, code: "not_a_problem_document" };
  return new ProblemError(problem, retryAfter);
}
