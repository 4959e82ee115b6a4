/** The worker: functions that do jobs of a server, with leases that are kept and a good end. */

import { Client, sleep } from "./client.js";
import type { Outcome, Variables } from "./client.js";
import { Forbidden, ProcessionError, Unauthorized } from "./errors.js";
import type { Finished, JobOut } from "./generated.js";

export type Job = JobOut;
/** Does a job. `signal` is aborted when the lease is lost, or when the worker cannot wait any longer. */
export type Handler = (job: Job, signal: AbortSignal) => Promise<Variables | void> | Variables | void;

/** Throw it for an error of the business: the process catches `code`, or an incident shows it. */
export class BpmnError extends Error {
  constructor(
    readonly code: string,
    message = "",
    readonly variables: Variables = {},
  ) {
    super(message);
    this.name = "BpmnError";
  }
}

/** Throw it as a task listener to say no. */
export class Denied extends Error {
  constructor(readonly reason = "") {
    super(reason);
    this.name = "Denied";
  }
}

export interface HandlerOptions {
  /** Jobs at the same time. Default: 32. */
  maxJobs?: number;
  /** How long a job is leased at a time; the lease is extended while the handler runs. Default: 300,000. */
  leaseMs?: number;
  /** The variables that the handler needs. Default: all. */
  fetchVariables?: string[];
  /** Pauses after failed attempts, the last one repeating. Default: what the model says. */
  backoffMs?: number[];
}

export interface WorkerOptions {
  /** Shown to operators. */
  name?: string;
  /** How long jobs may go on at the end. Default: 30,000. */
  graceMs?: number;
  /** Told what went wrong and is tried again. */
  onError?: (error: unknown) => void;
}

interface Running {
  job: Job;
  options: HandlerOptions;
  until: number;
  abort: AbortController;
}

interface Waiting {
  outcome: Outcome;
  answered: (answer: Finished) => void;
}

/** Lets so many in at once. A stream that follows another knows nothing of what that one sent: here is who counts. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

const LEASE_MS = 300_000;
const BATCH_MAX = 500;
const PAUSE_MS = 100;
const PAUSE_MAX_MS = 15_000;

export class Worker {
  readonly #client: Client;
  readonly #options: WorkerOptions;
  readonly #handlers = new Map<string, { handler: Handler; options: HandlerOptions }>();
  readonly #running = new Map<string, Running>();
  readonly #work = new Set<Promise<void>>();
  #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;
  #stopping: AbortController | undefined;
  #ran: Promise<void> | undefined;

  constructor(client: Client, options: WorkerOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  /** Registers what does the jobs of a type. */
  handle(type: string, handler: Handler, options: HandlerOptions = {}): this {
    this.#handlers.set(type, { handler, options });
    return this;
  }

  /** Works until `stop`. Rejects with `Unauthorized` or `Forbidden` when the server lets nobody in. */
  run(): Promise<void> {
    if (this.#ran !== undefined) throw new Error("the worker runs already");
    if (this.#handlers.size === 0) throw new Error("the worker has no handlers: register some with handle(type, …)");
    this.#ran = this.#run().finally(() => {
      this.#ran = undefined;
    });
    return this.#ran;
  }

  /** Takes nothing more, finishes what runs (for the time of grace), and tells what became of it. */
  async stop(): Promise<void> {
    this.#stopping?.abort();
    await this.#ran?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const stopping = (this.#stopping = new AbortController());
    const keeping = setInterval(() => this.#keep(), this.#tick());
    try {
      const lanes = [...this.#handlers].map(([type, each]) => this.#lane(type, each.handler, each.options, stopping.signal));
      await Promise.all(lanes);
    } finally {
      stopping.abort();
      const grace = new AbortController();
      await Promise.race([Promise.allSettled(this.#work), sleep(this.#options.graceMs ?? 30_000, grace.signal)]);
      grace.abort();
      for (const each of this.#running.values()) each.abort.abort();
      clearInterval(keeping);
      await this.#sending;
    }
  }

  #tick(): number {
    const leases = [...this.#handlers.values()].map((each) => each.options.leaseMs ?? LEASE_MS);
    return Math.max(10, Math.min(30_000, Math.min(...leases) / 6));
  }

  async #lane(type: string, handler: Handler, options: HandlerOptions, signal: AbortSignal): Promise<void> {
    const slots = new Slots(options.maxJobs ?? 32);
    let pause = PAUSE_MS;
    while (!signal.aborted) {
      try {
        const stream = this.#client.jobStream([type], {
          maxActive: options.maxJobs ?? 32,
          leaseMs: options.leaseMs ?? LEASE_MS,
          signal,
          ...(this.#options.name ? { worker: this.#options.name } : {}),
          ...(options.fetchVariables ? { fetchVariables: options.fetchVariables } : {}),
        });
        for await (const jobs of stream) {
          pause = PAUSE_MS;
          for (const job of jobs) this.#begin(job, handler, options, slots);
        }
      } catch (error) {
        if (error instanceof Unauthorized || error instanceof Forbidden) throw error;
        this.#options.onError?.(error);
      }
      await sleep(pause * (0.5 + Math.random() / 2), signal);
      pause = Math.min(PAUSE_MAX_MS, pause * 2);
    }
  }

  #begin(job: Job, handler: Handler, options: HandlerOptions, slots: Slots): void {
    const until = Date.now() + (options.leaseMs ?? LEASE_MS);
    const running: Running = { job, options, until, abort: new AbortController() };
    this.#running.set(job.key, running);
    const work = this.#do(running, handler, slots).finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  async #do(running: Running, handler: Handler, slots: Slots): Promise<void> {
    const { job, options } = running;
    await slots.enter();
    const outcome = await this.#outcome(running, handler);
    slots.leave();
    this.#running.delete(job.key);
    this.#report(outcome, (answer) => {
      const status = answer.problem?.status;
      // What the server cannot take as a result is a failed attempt; where the lease is gone, it is somebody else's.
      if (status !== undefined && status !== 404 && outcome.outcome !== "fail" && outcome.outcome !== "return") {
        this.#report(failed(job, options, answer.problem?.detail ?? "refused"), () => undefined);
      }
    });
  }

  async #outcome(running: Running, handler: Handler): Promise<Outcome> {
    const { job, options } = running;
    if (this.#stopping?.signal.aborted) return { outcome: "return", key: job.key, token: job.token };
    try {
      const variables = (await handler(job, running.abort.signal)) ?? {};
      const outcome: Outcome = { outcome: "complete", key: job.key, token: job.token, variables };
      JSON.stringify(outcome); // what is no JSON is told of this job alone
      return outcome;
    } catch (error) {
      return outcomeOf(job, options, error);
    }
  }

  #keep(): void {
    for (const running of this.#running.values()) {
      const lease = running.options.leaseMs ?? LEASE_MS;
      if (running.until - Date.now() >= lease / 2) continue;
      running.until = Date.now() + lease;
      const { key, token } = running.job;
      this.#report({ outcome: "extend", key, token, timeout_ms: lease }, (answer) => {
        if (answer.problem) running.abort.abort();
      });
    }
  }

  /** What happens while one request is under way is the next one. */
  #report(outcome: Outcome, answered: (answer: Finished) => void): void {
    this.#waiting.push({ outcome, answered });
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  async #send(): Promise<void> {
    await Promise.resolve();
    let tries = 0;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      try {
        const found = await this.#client.finishJobs(batch.map((each) => each.outcome));
        found.forEach((answer, place) => batch[place]?.answered(answer));
        tries = 0;
      } catch (error) {
        this.#options.onError?.(error);
        const lost = error instanceof ProcessionError && error.status >= 400 && error.status < 500 && error.status !== 429;
        if (lost || (this.#stopping?.signal.aborted && tries >= 3)) continue;
        tries += 1;
        this.#waiting.unshift(...batch);
        await sleep(Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** tries));
      }
    }
  }
}

function outcomeOf(job: Job, options: HandlerOptions, error: unknown): Outcome {
  const { key, token } = job;
  if (error instanceof BpmnError) {
    return { outcome: "throw", key, token, code: error.code, message: error.message, variables: error.variables };
  }
  if (error instanceof Denied) return { outcome: "deny", key, token, reason: error.reason };
  return failed(job, options, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

function failed(job: Job, options: HandlerOptions, error: string): Outcome {
  const pauses = options.backoffMs ?? [];
  const pause = pauses[Math.min(job.attempt, pauses.length) - 1];
  return { outcome: "fail", key: job.key, token: job.token, error, ...(pause === undefined ? {} : { backoff_ms: pause }) };
}
