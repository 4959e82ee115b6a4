// Made from the OpenAPI document by `python -m tools.typescript`; do not edit it here.

/** A value as JSON has it. Numbers are those of JavaScript: what needs more digits travels as a text. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** One thing that a migration does to one element instance; see `MigrationAction` in docs/reference/python.md. */
export interface ActionOut {
  element: string;
  element_id: string;
  what: string;
  target: string;
  wait: string | null;
  node: string;
}

/** How many retries a job has from now on. */
export interface Changed {
  retries: number;
}

/** How an ad-hoc sub-process goes on: activities to begin, or that it is done. */
export interface ChoiceIn {
  activities?: ChosenIn[];
  done?: boolean;
  cancel_remaining?: boolean;
}

/** An activity to begin, with variables of its own. */
export interface ChosenIn {
  element_id: string;
  variables?: Record<string, Json>;
}

/** The work is done; `variables` are its result. `choice` is for jobs of ad-hoc sub-processes. */
export interface CompleteIn {
  outcome: "complete";
  key: string;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  variables?: Record<string, Json>;
  choice?: ChoiceIn | null;
}

/** Variables, of which conditional start events are asked: of all processes, or of one. */
export interface ConditionsIn {
  /** Variables by name; each value is any JSON. */
  variables: Record<string, Json>;
  process_id?: string | null;
}

/** What to decide with; by default in the latest version. */
export interface DecideIn {
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  version?: number | null;
  version_tag?: string | null;
}

/** The result, and the version that gave it. */
export interface DecidedOut {
  result: Json;
  decision: DecisionOut;
}

/** A version of a decision. `digest` is the SHA-256 of its document. */
export interface DecisionOut {
  key: string;
  decision_id: string;
  version: number;
  name: string;
  version_tag: string;
  deployment: string;
  digest: string;
  at: string;
}

/** Versions of decisions, by id and version. */
export interface DecisionPage {
  items: DecisionOut[];
  next: string | null;
}

/** A version of a process. `digest` is the SHA-256 of its document; `suspended` tells that starts are refused. */
export interface DefinitionOut {
  key: string;
  process_id: string;
  version: number;
  name: string;
  version_tag: string;
  deployment: string;
  digest: string;
  at: string;
  suspended: boolean;
}

/** Versions of processes, by id and version. */
export interface DefinitionPage {
  items: DefinitionOut[];
  next: string | null;
}

/** A task listener says no: the user task stays as it was. */
export interface DenyIn {
  outcome: "deny";
  key: string;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  reason?: string;
}

/** A decision of a deployment; see `DeployedProcess`. */
export interface DeployedDecision {
  key: string | null;
  decision_id: string;
  version: number | null;
  name: string;
  new: boolean;
}

/**
 * A process of a deployment. `new` is false when this very version was there already; `key` is null where nothing
 * was stored.
 */
export interface DeployedProcess {
  key: string | null;
  process_id: string;
  version: number | null;
  name: string;
  new: boolean;
}

/** What a deployment would change. `diagnostics` are warnings. */
export interface DeploymentDifferences {
  processes: ElementDifferences[];
  decisions: ElementDifferences[];
  diagnostics: Diagnostic[];
}

/** What a deployment made. `key` is null when nothing was new, or for a dry run. `diagnostics` are warnings. */
export interface DeploymentMade {
  key: string | null;
  processes: DeployedProcess[];
  decisions: DeployedDecision[];
  diagnostics: Diagnostic[];
  dry_run?: boolean;
}

/** A deployment with all that was new in it. */
export interface DeploymentOut {
  key: string;
  name: string;
  at: string;
  resources: ResourceOut[];
  processes: DeployedProcess[];
  decisions: DeployedDecision[];
}

/** Deployments, the newest first. */
export interface DeploymentPage {
  items: DeploymentShort[];
  next: string | null;
}

/** A deployment in a list. */
export interface DeploymentShort {
  key: string;
  name: string;
  at: string;
}

/**
 * One finding. `rule` is the lint rule's name, `element` the id in the document, `remedy` what to do. `path` are
 * the ids of the elements through which a run gets there, where the finding is about runs.
 */
export interface Diagnostic {
  rule: string;
  message: string;
  severity?: "error" | "info" | "warning";
  element?: string;
  span?: Span;
  remedy?: string;
  path?: string[];
}

/**
 * What a document would make of a process or decision. `version` is the one that it would have, or has where it
 * stays the same. `added`, `removed` and `changed` are ids of elements, against the latest version. `unmapped` are
 * elements of that whose instances a migration by equal ids would have no place for; `proposals` say which may
 * have got another id.
 */
export interface ElementDifferences {
  id: string;
  resource: string;
  change: "changed" | "new" | "same";
  version: number;
  added: string[];
  removed: string[];
  changed: string[];
  unmapped: string[];
  proposals: Proposal[];
}

/**
 * An element instance. `scope` is the key of the one around it, null for the process; `type` the BPMN element's
 * name; `called` the instance that a call activity waits for; `index` its number, from 1, among the repetitions of
 * a multi-instance activity; `arrived` are tokens that wait at a join, by their sequence flow.
 */
export interface ElementOut {
  key: string;
  element_id: string;
  name: string;
  type: string;
  scope: string | null;
  stage: string;
  index: number;
  called: string | null;
  arrived: Record<string, number>;
  has_incident: boolean;
}

/** Element instances that are active, by key; the process itself is the first of them. */
export interface ElementPage {
  items: ElementOut[];
  next: string | null;
}

/**
 * A fact of a history: step `seq` at a time, about an element, or a sequence flow, or ("") the instance. What
 * stands in `fact` is told by docs/reference/facts.md, by `kind`.
 */
export interface EntryOut {
  seq: number;
  at: string;
  kind: string;
  element: string | null;
  element_id: string;
  fact: Record<string, Json>;
}

/** The work takes longer: the lease ends `timeout_ms` from now. */
export interface ExtendIn {
  outcome: "extend";
  key: string;
  timeout_ms: number;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
}

/** An attempt failed. `retries` are those left (default: one less), `backoff_ms` the pause (default: the job's). */
export interface FailIn {
  outcome: "fail";
  key: string;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  error?: string;
  retries?: number | null;
  backoff_ms?: number | null;
}

/** A failed attempt. See `FailIn`. */
export interface Failed {
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  error?: string;
  retries?: number | null;
  backoff_ms?: number | null;
}

/** What is wrong with one field of a request. */
export interface FieldError {
  message: string;
  field?: string;
  source?: string;
}

/** What became of jobs. They share commits, and each stands alone: one that is refused hinders no other. */
export interface FinishIn {
  items: (CompleteIn | FailIn | ThrowIn | DenyIn | ExtendIn | ReturnIn)[];
}

/**
 * What became of an outcome: a `problem`, or none. A failed attempt tells the `retries` left, a lease that was
 * extended its new `deadline`.
 */
export interface Finished {
  key: string;
  problem?: Problem | null;
  retries?: number | null;
  deadline?: string | null;
}

/** What became of each, in the order in which they were given. */
export interface FinishedAll {
  items: Finished[];
}

/** How many waited for it. */
export interface Heard {
  received: number;
}

/** Facts, in the order in which they were decided. */
export interface HistoryPage {
  items: EntryOut[];
  next: string | null;
}

/** An open incident of an instance. `job` is the job that is out of retries, null for another cause. */
export interface InstanceIncident {
  key: string;
  element: string | null;
  element_id: string;
  code: string;
  message: string;
  job: string | null;
  at: string;
}

/** Open incidents, by key. */
export interface InstanceIncidentPage {
  items: InstanceIncident[];
  next: string | null;
}

/**
 * An instance. `incident` is the state of an active one that waits for an incident to be resolved; `parent` is the
 * instance that called it, `root` the first of all; `failure` names a fault of the engine that stopped it.
 */
export interface InstanceOut {
  key: string;
  process_id: string;
  version: number;
  state: "active" | "completed" | "incident" | "terminated";
  suspended: boolean;
  business_key: string;
  started: string;
  ended: string | null;
  parent: string | null;
  root: string | null;
  failure: string;
}

/** A job that is leased to whoever got it, until `deadline`. `idempotency_key` is the same for every attempt. */
export interface JobOut {
  key: string;
  type: string;
  tenant: string;
  instance: string;
  element: string;
  element_id: string;
  process_id: string;
  version: number;
  headers: Record<string, string>;
  retries: number;
  attempt: number;
  idempotency_key: string;
  token: string;
  deadline: string;
  variables: Record<string, Json>;
}

/** Jobs that were leased. */
export interface JobsOut {
  items: JobOut[];
}

/** A lease that ends `timeout_ms` from now. */
export interface Longer {
  timeout_ms: number;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
}

/**
 * A message to publish. `correlation_key` is what the receiver's must be. Nobody waiting, it is kept for `ttl_ms`,
 * by default not at all. While one with a `message_id` is kept, another one with it is refused.
 */
export interface MessageIn {
  name: string;
  correlation_key?: string;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  ttl_ms?: number;
  message_id?: string;
}

/** Where an instance goes: by a `plan`, or by equal ids to `to_version` (default: the latest). */
export interface MigrateIn {
  plan?: MigrationPlan | null;
  to_version?: number | null;
}

/** The version that the instance runs now, or would; of a dry run also what would happen, in order. */
export interface Migrated {
  version: number;
  plan: MigrationPlan;
  actions?: ActionOut[] | null;
}

/**
 * What becomes of what an element instance waits for. `new`: a new job in place of the open one, the timer's due
 * time, the subscription's name and key, the user task's attributes computed anew.
 */
export interface MigrationChoice {
  job?: "keep" | "new";
  timer?: "keep" | "new";
  subscription?: "keep" | "new";
  task?: "keep" | "new";
}

/**
 * Where each element of one version goes in another. What is not named has no target. `flows` are needed for
 * tokens that wait at joins. `choices` have a `MigrationChoice` by element id of the source, or by the key of an
 * element instance, which wins; what is not named is kept. `proposals` say what might be meant, and do nothing.
 */
export interface MigrationPlan {
  from_process?: string;
  from_version?: number;
  to_process?: string;
  to_version?: number;
  elements?: Record<string, string>;
  flows?: Record<string, string>;
  choices?: Record<string, MigrationChoice>;
  proposals?: Proposal[];
}

/** A change by hand. It is carried out in the order of these fields, all of it or nothing. */
export interface ModifyIn {
  activate?: procession_web_routes_changes_ActivateIn[];
  terminate?: TerminateIn[];
  move?: MoveIn[];
  put?: TokenIn[];
  take?: TokenIn[];
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/**
 * An instance as it was after the step `seq` of its history. `tokens` are the active element instances by element,
 * `variables` those of the process's own scope.
 */
export interface MomentOut {
  seq: number;
  at: string;
  state: string;
  tokens: Record<string, number>;
  variables: Record<string, Json>;
}

/** End each instance of `source`, or the one with this `key`, and begin `target` in its place. */
export interface MoveIn {
  source: string;
  target: string;
  key?: string | null;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/** What is an instance's own, of many that start together. */
export interface One {
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  business_key?: string;
}

/** Two versions of a process, or of two. `to_version` is the latest by default. */
export interface PlanIn {
  process_id: string;
  from_version: number;
  to_version?: number | null;
  to_process?: string | null;
}

/** RFC 9457. `code` is stable; `diagnostics` are those of a refused deployment. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  instance?: string;
  request_id?: string;
  errors?: FieldError[];
  diagnostics?: Diagnostic[];
}

/** An element without a target that may have got another id, and why. Put it into the plan if it is right. */
export interface Proposal {
  source: string;
  target: string;
  why: string;
}

/** The key of the message itself. */
export interface Published {
  key: string;
}

/** Why, for the history. */
export interface ReasonIn {
  reason?: string;
}

/** A task listener says no. See `DenyIn`. */
export interface Refusal {
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  reason?: string;
}

/** A document of a deployment; `digest` is the SHA-256 of its bytes. */
export interface ResourceOut {
  name: string;
  digest: string;
}

/**
 * Where to begin, with the variables of the instance and these over them. `in_place`: in the same instance, whose
 * active elements end; else in a new one, of the same version or of `version`.
 */
export interface RestartIn {
  begin: procession_web_routes_changes_ActivateIn[];
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  in_place?: boolean;
  version?: number | null;
}

/** The instance that goes on: a new one, or the same. */
export interface Restarted {
  key: string;
}

/** The result of a job. See `CompleteIn`. */
export interface Result {
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  variables?: Record<string, Json>;
  choice?: ChoiceIn | null;
}

/** Nobody worked on it: the job is given out again at once, and it was no attempt. */
export interface ReturnIn {
  outcome: "return";
  key: string;
  token: string;
}

/** A signal to broadcast. */
export interface SignalIn {
  name: string;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/** A place in a document: file, line and column from 1. `column` 0 means that only the line is known. */
export interface Span {
  file?: string;
  line?: number;
  column?: number;
}

/** What to start: a process by its id, in the latest version or in `version`, or a `definition` by its key. */
export interface StartIn {
  process_id?: string | null;
  definition?: string | null;
  version?: number | null;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  business_key?: string;
}

/** Instances of one process that start together. */
export interface StartManyIn {
  process_id: string;
  instances: One[];
  version?: number | null;
}

/** An instance that was started. `state`, `ended` and `variables` are told to who waits for its end. */
export interface Started {
  key: string;
  state?: string | null;
  ended?: string | null;
  variables?: Record<string, Json> | null;
}

/** How many instances were started. */
export interface StartedByConditions {
  started: number;
}

/** In the order of what was asked. */
export interface StartedMany {
  items: StartedOne[];
}

/** One of many: its key, or why it was not started. */
export interface StartedOne {
  key?: string | null;
  problem?: Problem | null;
}

/** `all_versions`: of the process, all versions that are deployed now. */
export interface SteerIn {
  all_versions?: boolean;
}

/** How many versions that changed. */
export interface Steered {
  changed: number;
}

/** End all instances of an `element`, or the one with this `key`. */
export interface TerminateIn {
  element?: string | null;
  key?: string | null;
}

/** A BPMN error instead of a result: the process catches `code`, or an incident shows it. */
export interface ThrowIn {
  outcome: "throw";
  key: string;
  code: string;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  message?: string;
  variables?: Record<string, Json>;
}

/** A BPMN error. See `ThrowIn`. */
export interface Thrown {
  code: string;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  message?: string;
  variables?: Record<string, Json>;
}

/** A token on a sequence flow; `ancestor` names the scope where several are active. */
export interface TokenIn {
  flow: string;
  ancestor?: string | null;
}

/**
 * Activities of an ad-hoc sub-process to begin, each with these variables of its own. `element` says which sub-
 * process (a key, or an id that is active once), where there are several.
 */
export interface TriggerIn {
  activities: string[];
  element?: string | null;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/**
 * Variables to set, as seen from an element instance (a key, or the id of an element that is active once) or from
 * the process: each in the nearest scope that has it. `local`: in the element's own scope.
 */
export interface VariablesIn {
  /** Variables by name; each value is any JSON. */
  variables: Record<string, Json>;
  element?: string | null;
  local?: boolean;
}

/** Variables by name. */
export interface VariablesOut {
  variables: Record<string, Json>;
}

/**
 * A warning of an expression: why a part of it became null. `attribute` says what the expression is of its
 * element; `start` and `end` count characters of it.
 */
export interface WarningOut {
  element: string | null;
  element_id: string;
  at: string;
  code: string;
  message: string;
  attribute: string;
  expression: string;
  start: number;
  end: number;
}

/** Warnings, in order. */
export interface WarningPage {
  items: WarningOut[];
  next: string | null;
}

/**
 * Which jobs a worker wants. With `fetch_variables` only these come with them; `request_timeout_ms` is how long to
 * wait for the first job.
 */
export interface procession_web_job_shapes_ActivateIn {
  types: string[];
  max_jobs?: number;
  timeout_ms?: number;
  worker?: string;
  fetch_variables?: string[];
  request_timeout_ms?: number;
}

/** Begin an element, with variables of its own. `ancestor` is an active scope around it, where there are several. */
export interface procession_web_routes_changes_ActivateIn {
  element: string;
  ancestor?: string | null;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/** Where each operation is. */
export const operations = {
  activate: { method: "POST", path: "/v1/jobs/activate" },
  broadcast_signal: { method: "POST", path: "/v1/signals" },
  cancel_instance: { method: "POST", path: "/v1/instances/{key}/cancel" },
  change: { method: "PATCH", path: "/v1/jobs/{key}" },
  compare_deployment: { method: "POST", path: "/v1/deployments/diff" },
  complete: { method: "POST", path: "/v1/jobs/{key}/complete" },
  deny: { method: "POST", path: "/v1/jobs/{key}/deny" },
  deploy: { method: "POST", path: "/v1/deployments" },
  evaluate_conditions: { method: "POST", path: "/v1/conditions/evaluate" },
  evaluate_decision: { method: "POST", path: "/v1/decisions/{decision_id}/evaluate" },
  extend: { method: "POST", path: "/v1/jobs/{key}/extend" },
  fail: { method: "POST", path: "/v1/jobs/{key}/fail" },
  finish: { method: "POST", path: "/v1/jobs/finish" },
  get_decision: { method: "GET", path: "/v1/decisions/{key}" },
  get_decision_xml: { method: "GET", path: "/v1/decisions/{key}/xml" },
  get_definition: { method: "GET", path: "/v1/definitions/{key}" },
  get_definition_diagram: { method: "GET", path: "/v1/definitions/{key}/diagram" },
  get_definition_xml: { method: "GET", path: "/v1/definitions/{key}/xml" },
  get_deployment: { method: "GET", path: "/v1/deployments/{key}" },
  get_deployment_resource: { method: "GET", path: "/v1/deployments/{key}/resources/{digest}" },
  get_instance: { method: "GET", path: "/v1/instances/{key}" },
  get_instance_diagram: { method: "GET", path: "/v1/instances/{key}/diagram" },
  get_instance_history: { method: "GET", path: "/v1/instances/{key}/history" },
  get_instance_moment: { method: "GET", path: "/v1/instances/{key}/moments/{seq}" },
  get_instance_variables: { method: "GET", path: "/v1/instances/{key}/variables" },
  list_decisions: { method: "GET", path: "/v1/decisions" },
  list_definitions: { method: "GET", path: "/v1/definitions" },
  list_deployments: { method: "GET", path: "/v1/deployments" },
  list_instance_elements: { method: "GET", path: "/v1/instances/{key}/elements" },
  list_instance_incidents: { method: "GET", path: "/v1/instances/{key}/incidents" },
  list_instance_warnings: { method: "GET", path: "/v1/instances/{key}/warnings" },
  make_migration_plan: { method: "POST", path: "/v1/migration-plans" },
  migrate_instance: { method: "POST", path: "/v1/instances/{key}/migrate" },
  modify_instance: { method: "POST", path: "/v1/instances/{key}/modify" },
  publish_message: { method: "POST", path: "/v1/messages" },
  restart_instance: { method: "POST", path: "/v1/instances/{key}/restart" },
  resume_definition: { method: "POST", path: "/v1/definitions/{key}/resume" },
  resume_instance: { method: "POST", path: "/v1/instances/{key}/resume" },
  set_instance_variables: { method: "PATCH", path: "/v1/instances/{key}/variables" },
  start_instance: { method: "POST", path: "/v1/instances" },
  start_instances: { method: "POST", path: "/v1/instances/many" },
  stream_jobs: { method: "GET", path: "/v1/jobs/stream" },
  suspend_definition: { method: "POST", path: "/v1/definitions/{key}/suspend" },
  suspend_instance: { method: "POST", path: "/v1/instances/{key}/suspend" },
  throw: { method: "POST", path: "/v1/jobs/{key}/throw" },
  trigger_activities: { method: "POST", path: "/v1/instances/{key}/trigger" },
} as const;

/** What each operation takes and answers. */
export interface Operations {
  /** Leases jobs to a worker. Nothing there: it waits for the first, as long as `request_timeout_ms` says */
  activate: {
    body: procession_web_job_shapes_ActivateIn;
    answer: JobsOut;
  };
  /** Broadcasts a signal to everything in the tenant that waits for it, processes that it starts included */
  broadcast_signal: {
    body: SignalIn;
    answer: Heard;
  };
  /** Ends an instance and all that it called */
  cancel_instance: {
    path: { key: string };
    body?: ReasonIn;
    answer: void;
  };
  /** Gives an open job retries. One that is out of them goes on when its incident is resolved */
  change: {
    path: { key: string };
    body: Changed;
    answer: void;
  };
  /** Tells what a deployment would change, element by element, and what a migration would find. Nothing is stored */
  compare_deployment: {
    body: {
      /** A name of the deployment. */
      name?: string;
      resources: Json[];
    };
    answer: DeploymentDifferences;
  };
  /** Completes a job */
  complete: {
    path: { key: string };
    body: Result;
    answer: Finished;
  };
  /** Says no as a task listener */
  deny: {
    path: { key: string };
    body: Refusal;
    answer: Finished;
  };
  /** Deploys documents together, all of them or none */
  deploy: {
    query?: { dry_run?: boolean };
    body: {
      /** A name of the deployment. */
      name?: string;
      resources: Json[];
    };
    answer: DeploymentMade;
  };
  /** Starts each process, or one, whose conditional start event is true of the variables */
  evaluate_conditions: {
    body: ConditionsIn;
    answer: StartedByConditions;
  };
  /** Decides, and stores nothing. A decision that has no result for the variables is a problem, 422 */
  evaluate_decision: {
    path: { decision_id: string };
    body: DecideIn;
    answer: DecidedOut;
  };
  /** Lets a lease end later */
  extend: {
    path: { key: string };
    body: Longer;
    answer: Finished;
  };
  /** Tells that an attempt failed; out of retries, the job becomes an incident */
  fail: {
    path: { key: string };
    body: Failed;
    answer: Finished;
  };
  /** Tells what became of many jobs at once */
  finish: {
    body: FinishIn;
    answer: FinishedAll;
  };
  /** Gives a version of a decision */
  get_decision: {
    path: { key: string };
    answer: DecisionOut;
  };
  /** Gives the document that a version came from, byte for byte */
  get_decision_xml: {
    path: { key: string };
    answer: string;
  };
  /** Gives a version of a process */
  get_definition: {
    path: { key: string };
    answer: DefinitionOut;
  };
  /** Draws a version of a process as SVG */
  get_definition_diagram: {
    path: { key: string };
    answer: string;
  };
  /** Gives the document that a version came from, byte for byte */
  get_definition_xml: {
    path: { key: string };
    answer: string;
  };
  /** Gives a deployment with its documents, processes and decisions */
  get_deployment: {
    path: { key: string };
    answer: DeploymentOut;
  };
  /** Gives a document as it was deployed, byte for byte */
  get_deployment_resource: {
    path: { digest: string; key: string };
    answer: string;
  };
  /** Gives an instance */
  get_instance: {
    path: { key: string };
    answer: InstanceOut;
  };
  /** Draws an instance on its process as SVG: tokens, incidents, what was completed and taken how often */
  get_instance_diagram: {
    path: { key: string };
    answer: string;
  };
  /** Gives the history of an instance: every fact, in order */
  get_instance_history: {
    path: { key: string };
    query?: { after?: string; limit?: number };
    answer: HistoryPage;
  };
  /** Gives an instance as it was after a step of its history */
  get_instance_moment: {
    path: { key: string; seq: number };
    answer: MomentOut;
  };
  /** Gives the variables of the process's own scope, or all that an element instance sees */
  get_instance_variables: {
    path: { key: string };
    query?: { element?: string; names?: string[] };
    answer: VariablesOut;
  };
  /** Lists versions of decisions, by id and version */
  list_decisions: {
    query?: { after?: string; decision_id?: string; latest?: boolean; limit?: number; version_tag?: string };
    answer: DecisionPage;
  };
  /** Lists versions of processes, by id and version */
  list_definitions: {
    query?: { after?: string; latest?: boolean; limit?: number; process_id?: string; version_tag?: string };
    answer: DefinitionPage;
  };
  /** Lists deployments, the newest first */
  list_deployments: {
    query?: { after?: string; limit?: number };
    answer: DeploymentPage;
  };
  /** Lists the element instances that are active: where the tokens are */
  list_instance_elements: {
    path: { key: string };
    query?: { after?: string; limit?: number };
    answer: ElementPage;
  };
  /** Lists the open incidents of an instance */
  list_instance_incidents: {
    path: { key: string };
    query?: { after?: string; limit?: number };
    answer: InstanceIncidentPage;
  };
  /** Lists what expressions of an instance had to say: a value that was missing, operands of the wrong type */
  list_instance_warnings: {
    path: { key: string };
    query?: { after?: string; limit?: number };
    answer: WarningPage;
  };
  /** Makes a plan from one version to another that maps what both have. Nothing is stored */
  make_migration_plan: {
    body: PlanIn;
    answer: MigrationPlan;
  };
  /** Lets an instance go over to another version of its process */
  migrate_instance: {
    path: { key: string };
    query?: { dry_run?: boolean };
    body: MigrateIn;
    answer: Migrated;
  };
  /** Changes an instance by hand: begins, ends and moves elements. All of it or, with a problem, nothing */
  modify_instance: {
    path: { key: string };
    body: ModifyIn;
    answer: void;
  };
  /** Publishes a message: to the instance that waits for it, or to start one */
  publish_message: {
    body: MessageIn;
    answer: Published;
  };
  /** Begins at chosen elements, in a new instance or in place */
  restart_instance: {
    path: { key: string };
    body: RestartIn;
    answer: Restarted;
  };
  /** Allows starts of a version again, or of all versions of its process */
  resume_definition: {
    path: { key: string };
    body?: SteerIn;
    answer: Steered;
  };
  /** Lets a suspended instance go on; what became due meanwhile happens at once */
  resume_instance: {
    path: { key: string };
    answer: void;
  };
  /** Sets variables of an instance */
  set_instance_variables: {
    path: { key: string };
    body: VariablesIn;
    answer: void;
  };
  /** Starts an instance, and waits for its end if asked to */
  start_instance: {
    query?: { fetch_variables?: string[]; wait_ms?: number };
    body: StartIn;
    answer: Started;
  };
  /** Starts many instances of one process; they share commits. Each is started, or told why not */
  start_instances: {
    body: StartManyIn;
    answer: StartedMany;
  };
  /** Jobs as they come, a line of JSON each (`JobOut`), as long as the connection lasts */
  stream_jobs: {
    query: { fetch_variables?: string[]; max_active?: number; timeout_ms?: number; type: string[]; worker?: string };
    answer: string;
  };
  /** Refuses new starts of a version, or of all versions of its process. Instances under way go on */
  suspend_definition: {
    path: { key: string };
    body?: SteerIn;
    answer: Steered;
  };
  /** Lets an instance stand still: no job of it is given out, no timer fires, messages wait */
  suspend_instance: {
    path: { key: string };
    body?: ReasonIn;
    answer: void;
  };
  /** Ends a job with a BPMN error */
  throw: {
    path: { key: string };
    body: Thrown;
    answer: Finished;
  };
  /** Begins activities of an ad-hoc sub-process */
  trigger_activities: {
    path: { key: string };
    body: TriggerIn;
    answer: void;
  };
}
