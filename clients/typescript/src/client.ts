/** The client: every operation of the API by its name, and the common ones as methods. */

import { errorOf, ProcessionError, Unreachable } from "./errors.js";
import { operations } from "./generated.js";
import type { FinishIn, Finished, InstanceOut, JobOut, Json, Operations, Started } from "./generated.js";

export type Variables = Record<string, Json>;
export type Outcome = FinishIn["items"][number];
/** An API key or a token, or what gives one whenever one is needed. */
export type Token = string | (() => string | Promise<string>);

export interface ClientOptions {
  /** The server, such as `https://processes.example.com`. */
  url: string;
  token?: Token;
  /** The tenant, where the credentials do not say. */
  tenant?: string;
  /** Milliseconds of one attempt. Default: 30,000. */
  timeoutMs?: number;
  /** How often an attempt that failed is repeated. Default: 5. */
  retries?: number;
  /** Another `fetch`, for other settings of TLS or a proxy. */
  fetch?: typeof fetch;
}

/** What goes with a call beside the body. */
export interface CallOptions {
  /** The idempotency key of a write: the same one does it once. Without it, one is made for all attempts. */
  key?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
}

type Optional<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: T[K] };
type Needed<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };
/** `path`, `query` and `body` of an operation, as far as it has them. */
export type Given<K extends keyof Operations> = Needed<Omit<Operations[K], "answer">> &
  Optional<Omit<Operations[K], "answer">>;

interface Parts {
  path?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
}

export interface StreamOptions {
  /** Jobs that are leased to this stream and not finished, at most. Default: 32. */
  maxActive?: number;
  /** How long a job is leased. Default: 300,000. */
  leaseMs?: number;
  worker?: string;
  /** The variables to fetch. Default: all. */
  fetchVariables?: string[];
  signal?: AbortSignal;
}

const AGAIN = new Set([429, 502, 503, 504]);
const PAUSE_MS = 100;
const PAUSE_MAX_MS = 10_000;
/** A stream that says nothing for so long is dead: the server speaks every ten seconds. */
const SILENT_MS = 30_000;

export class Client {
  readonly #options: ClientOptions;
  readonly #url: string;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, "");
    this.#fetch = options.fetch ?? fetch;
  }

  /** Deploys documents by their names; throws `Refused` with all that is wrong in them. */
  deploy(documents: Record<string, string>, options: CallOptions & { name?: string } = {}) {
    const resources = Object.entries(documents).map(([name, text]) => ({ name, text }));
    return this.call("deploy", { body: { resources, name: options.name ?? "" } }, options);
  }

  /** Starts an instance; gives its key. */
  async start(processId: string, variables: Variables = {}, options: CallOptions & { businessKey?: string } = {}): Promise<string> {
    const body = { process_id: processId, variables, business_key: options.businessKey ?? "" };
    return (await this.call("start_instance", { body }, options)).key;
  }

  /** Starts an instance and waits for its end, at most `waitMs`; `ended` is null when it goes on then. */
  startAndWait(
    processId: string,
    variables: Variables = {},
    options: CallOptions & { waitMs?: number; fetchVariables?: string[] } = {},
  ): Promise<Started> {
    const waitMs = options.waitMs ?? 30_000;
    const query = { wait_ms: waitMs, ...(options.fetchVariables ? { fetch_variables: options.fetchVariables } : {}) };
    const body = { process_id: processId, variables };
    return this.call("start_instance", { query, body }, { timeoutMs: waitMs + 10_000, ...options });
  }

  instance(key: string): Promise<InstanceOut> {
    return this.call("get_instance", { path: { key } });
  }

  async variables(key: string): Promise<Variables> {
    return (await this.call("get_instance_variables", { path: { key } })).variables;
  }

  /** Publishes a message; nobody waiting, it is kept for `ttlMs`. */
  publish(name: string, correlationKey = "", variables: Variables = {}, options: CallOptions & { ttlMs?: number } = {}) {
    const body = { name, correlation_key: correlationKey, variables, ttl_ms: options.ttlMs ?? 0 };
    return this.call("publish_message", { body }, options);
  }

  /** The result of a decision. */
  async decide(decisionId: string, variables: Variables = {}): Promise<Json> {
    return (await this.call("evaluate_decision", { path: { decision_id: decisionId }, body: { variables } })).result;
  }

  /** A page of the open user tasks for which all filters hold; `next` is the `after` of the following one. */
  tasks(filters: Given<"list_tasks">["query"] = {}) {
    return this.call("list_tasks", { query: filters });
  }

  /** Completes a user task. */
  async completeTask(key: string, variables: Variables = {}, options: CallOptions = {}): Promise<void> {
    await this.call("complete_task", { path: { key }, body: { variables } }, options);
  }

  /** A page of the instances for which all filters hold. */
  search(filters: Given<"list_instances">["query"] = {}) {
    return this.call("list_instances", { query: filters });
  }

  /** A page of the open incidents for which all filters hold. */
  incidents(filters: Given<"list_incidents">["query"] = {}) {
    return this.call("list_incidents", { query: filters });
  }

  /** Does again what failed; a job gets `retries` anew. */
  async resolve(incident: string, retries = 1, options: CallOptions = {}): Promise<void> {
    await this.call("resolve_incident", { path: { key: incident }, body: { retries } }, options);
  }

  /** Tells what became of jobs; each is answered for itself. Their tokens are what makes it happen once. */
  async finishJobs(items: Outcome[], options: CallOptions = {}): Promise<Finished[]> {
    return (await this.call("finish_jobs", { body: { items } }, { ...options, key: "" })).items;
  }

  /** Jobs as they come, several at a time, until the server or the signal ends it. Empty lists mean that it is alive. */
  async *jobStream(types: string[], options: StreamOptions = {}): AsyncGenerator<JobOut[], void, undefined> {
    const query = {
      type: types,
      max_active: options.maxActive,
      timeout_ms: options.leaseMs,
      worker: options.worker,
      fetch_variables: options.fetchVariables,
    };
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENT_MS);
    const signals = options.signal ? [silence.signal, options.signal] : [silence.signal];
    try {
      const headers = { ...(await this.#headers()), Accept: "application/x-ndjson" };
      const answer = await this.#fetch(this.#address("/v1/jobs/stream", query), { headers, signal: AbortSignal.any(signals) });
      if (!answer.ok || answer.body === null) throw errorOf(answer.status, await answer.text());
      const decoder = new TextDecoder();
      let rest = "";
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENT_MS);
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        yield lines.filter((line) => line !== "").map(jobOf);
      }
    } catch (error) {
      if (options.signal?.aborted) return;
      throw error instanceof ProcessionError ? error : new Unreachable(`${this.#url}: ${String(error)}`);
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  /** Carries out an operation by its name, as often as it takes until the answer counts. */
  async call<K extends keyof Operations>(
    name: K,
    given: Given<K>,
    options: CallOptions = {},
  ): Promise<Operations[K]["answer"]> {
    const { method, path } = operations[name];
    const parts = given as Parts;
    const place = path.replace(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(parts.path?.[part] ?? ""));
    const headers: Record<string, string> = {};
    if (parts.body !== undefined) headers["Content-Type"] = "application/json";
    // Should the answer be lost, asking again does nothing a second time.
    if (method !== "GET" && options.key !== "") headers["Idempotency-Key"] = options.key ?? crypto.randomUUID();
    const body = parts.body === undefined ? {} : { body: JSON.stringify(parts.body) };
    const answer = await this.#send(this.#address(place, parts.query ?? {}), { method, headers, ...body }, options);
    const text = await answer.text();
    if (text === "") return undefined as Operations[K]["answer"];
    const json = (answer.headers.get("content-type") ?? "").includes("json");
    return (json ? JSON.parse(text) : text) as Operations[K]["answer"];
  }

  async #send(url: string, init: RequestInit & { headers: Record<string, string> }, options: CallOptions): Promise<Response> {
    let left = this.#options.retries ?? 5;
    let pause = PAUSE_MS;
    for (;;) {
      const timeout = AbortSignal.timeout(options.timeoutMs ?? this.#options.timeoutMs ?? 30_000);
      const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
      const headers = { ...(await this.#headers()), ...init.headers };
      let after = 0;
      try {
        const answer = await this.#fetch(url, { ...init, headers, signal });
        if (answer.ok) return answer;
        const text = await answer.text();
        if (!AGAIN.has(answer.status) || left === 0) throw errorOf(answer.status, text);
        after = Math.min(PAUSE_MAX_MS, Number(answer.headers.get("retry-after") ?? 0) * 1000 || 0);
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof ProcessionError) throw error;
        if (left === 0) throw new Unreachable(`${this.#url}: ${String(error)}`);
      }
      left -= 1;
      // Those who were refused at the same time shall not come back at the same time.
      await sleep(after + pause * (0.5 + Math.random() / 2), options.signal);
      pause = Math.min(PAUSE_MAX_MS, pause * 2);
    }
  }

  async #headers(): Promise<Record<string, string>> {
    const { token, tenant } = this.#options;
    const found = typeof token === "function" ? await token() : token;
    return {
      Accept: "application/json",
      ...(found ? { Authorization: `Bearer ${found}` } : {}),
      ...(tenant ? { "Procession-Tenant": tenant } : {}),
    };
  }

  #address(path: string, query: Record<string, unknown>): string {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === null || value === "") continue;
      for (const each of Array.isArray(value) ? value : [value]) params.append(name, String(each));
    }
    const text = params.toString();
    return text === "" ? this.#url + path : `${this.#url}${path}?${text}`;
  }
}

function jobOf(line: string): JobOut {
  const found = JSON.parse(line) as JobOut & { problem?: { status: number } };
  if (found.problem !== undefined) throw errorOf(found.problem.status, JSON.stringify(found.problem));
  return found;
}

/** Waits; a signal ends it early. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}
