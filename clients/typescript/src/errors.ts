/** What a server's answer means as an error. One class a kind; `code` is the stable word of the problem. */

export class ProcessionError extends Error {
  /** The HTTP status, 0 where there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(message: string, status = 0, code = "") {
    super(message);
    this.name = new.target.name;
    this.status = status;
    this.code = code;
  }
}

/** It does not exist, or exists no longer: a job completed twice, a lease that ran out. */
export class NotFound extends ProcessionError {}
/** It is in a state that does not allow this. */
export class Conflict extends ProcessionError {}
/** A value or a request that the server does not take. */
export class BadValue extends ProcessionError {}
/** Too much waits already: ask again in a while. */
export class Busy extends ProcessionError {}
/** Nobody is known by these credentials. */
export class Unauthorized extends ProcessionError {}
/** The caller may not do this. */
export class Forbidden extends ProcessionError {}
/** The server cannot use its store now. */
export class Unavailable extends ProcessionError {}
/** There was no answer, however often it was asked. */
export class Unreachable extends ProcessionError {}

/** One finding about a deployed document. */
export interface Finding {
  rule: string;
  message: string;
  severity?: string;
  element?: string;
  remedy?: string;
}

/** A deployment was refused; `diagnostics` says all that is wrong. */
export class Refused extends ProcessionError {
  readonly diagnostics: Finding[];

  constructor(message: string, status: number, code: string, diagnostics: Finding[]) {
    super(message, status, code);
    this.diagnostics = diagnostics;
  }
}

const OF_STATUS: Record<number, typeof ProcessionError> = {
  400: BadValue,
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  412: Conflict,
  415: BadValue,
  422: BadValue,
  429: Busy,
  503: Unavailable,
};

interface ProblemLike {
  title?: string;
  detail?: string;
  code?: string;
  diagnostics?: Finding[];
}

/** The error that a status and a body stand for. */
export function errorOf(status: number, body: string): ProcessionError {
  let problem: ProblemLike = {};
  try {
    const found: unknown = JSON.parse(body);
    if (typeof found === "object" && found !== null) problem = found;
  } catch {
    problem = { detail: body.slice(0, 200) };
  }
  const text = problem.detail || problem.title || "no reason is given";
  const code = problem.code ?? "";
  if (code === "refused") return new Refused(text, status, code, problem.diagnostics ?? []);
  const Kind = OF_STATUS[status] ?? ProcessionError;
  return new Kind(text, status, code);
}
