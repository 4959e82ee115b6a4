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

/**
 * Begin an element, with `variables` of its own. `ancestor` is the key of an active scope around it; the scopes
 * between the two are then made anew. 0: in the scope that is active, missing ones are made.
 */
export type Activate = ["activate", string, number, Record<string, Json>];

/** Begin an element, with variables of its own. `ancestor` is an active scope around it, where there are several. */
export interface ActivateIn {
  element: string;
  ancestor?: string | null;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/**
 * Which jobs a worker wants. With `fetch_variables` only these come with them; `request_timeout_ms` is how long to
 * wait for the first job.
 */
export interface ActivateJobsIn {
  types: string[];
  max_jobs?: number;
  timeout_ms?: number;
  worker?: string;
  fetch_variables?: string[];
  request_timeout_ms?: number;
}

/**
 * A page of the log, in the order in which things happened. One with a `next` may be short, or empty: it says how
 * far was looked.
 */
export interface AuditOut {
  items: procession_web_routes_audit_EntryOut[];
  next: string | null;
}

/**
 * A batch. `seen` instances were looked at, of which `done` were treated and `failed` could not be; of `awaited`
 * ones another host has not told yet.
 */
export interface Batch {
  key: string;
  at: string;
  state: string;
  seen: number;
  done: number;
  failed: number;
  awaited: number;
  filter: Record<string, Json>;
  action: Record<string, Json>;
}

/** An instance that a batch could not treat, and why. */
export interface BatchError {
  instance: string;
  text: string;
}

/** A page of what a batch could not do. */
export interface BatchErrors {
  items: BatchError[];
  next: string | null;
}

/**
 * Active instances for which all of this holds. `element` is the id of an active element, `incident` the code of
 * an open incident; `instances` names some by key; `host` is where they run.
 */
export interface BatchFilter {
  process_id?: string;
  version?: number;
  state?: "" | "incident" | "suspended";
  element?: string;
  incident?: string;
  business_key?: string;
  started_from?: string | null;
  started_to?: string | null;
  instances?: string[];
  host?: "" | "here" | "temporal";
}

/** A page of batches. */
export interface Batches {
  items: Batch[];
  next: string | null;
}

/** How a tenant's pages look, under a name that processes say (`journey.brand`). */
export interface Brand {
  name?: string;
  logo?: string;
  variables?: Record<string, string>;
  fonts?: string;
}

/** A brand, under the id that processes say (`journey.brand`). */
export interface BrandIn {
  id: string;
  brand: Brand;
}

/** Cancel the instance. */
export interface CancelEach {
  action: "cancel";
  reason?: string;
}

/** What a promotion means for one process or decision. Versions are 0 where there is none yet. */
export interface Change {
  what: "decision" | "form" | "process";
  id: string;
  state: "changed" | "new" | "same" | "unknown";
  source_version: number;
  target_version: number;
  digest: string;
  document: string;
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

/** What a person gives with the end of a task. */
export interface Completing {
  variables?: Record<string, Json>;
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

/** A tenant that is gone. `rows` at least were deleted; `shredded` says that it had keys, which are destroyed. */
export interface Deleted {
  tenant: string;
  rows: number;
  shredded: boolean;
}

/**
 * A message. `state` is `waiting`, `delivered` or `given-up`; `due` is when a waiting one is tried next. `status`
 * and `error` are those of the last attempt.
 */
export interface Delivery {
  id: string;
  type: string;
  at: string;
  state: string;
  attempts: number;
  due: string | null;
  status: number;
  error: string;
  body: Json;
}

/** A page of messages, the last first. */
export interface DeliveryPage {
  items: Delivery[];
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

/** A form of a deployment; see `DeployedProcess`. */
export interface DeployedForm {
  key: string | null;
  form_id: string;
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
  forms?: ElementDifferences[];
}

/** What a deployment made. `key` is null when nothing was new, or for a dry run. `diagnostics` are warnings. */
export interface DeploymentMade {
  key: string | null;
  processes: DeployedProcess[];
  decisions: DeployedDecision[];
  diagnostics: Diagnostic[];
  dry_run?: boolean;
  forms?: DeployedForm[];
}

/** A deployment with all that was new in it. */
export interface DeploymentOut {
  key: string;
  name: string;
  at: string;
  resources: ResourceOut[];
  processes: DeployedProcess[];
  decisions: DeployedDecision[];
  forms: DeployedForm[];
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
 * A document. `reference` is what a variable holds of it. `scan` says whether viruses were looked for: waiting,
 * clean, infected or failed, "" where nobody looks; `found` what was found, or why it failed.
 */
export interface DocumentInfo {
  id: string;
  name: string;
  content_type: string;
  size: number;
  sha256: string;
  created: string;
  by: string;
  expires: string | null;
  reference: Reference;
  scan?: "" | "clean" | "failed" | "infected" | "waiting";
  found?: string;
}

/** A page of documents. */
export interface DocumentPage {
  items: DocumentInfo[];
  next: string | null;
}

/**
 * What a document would make of a process, decision or form; the elements of a form are not compared. `version` is
 * the one that it would have, or has where it stays the same. `added`, `removed` and `changed` are ids of
 * elements, against the latest version. `unmapped` are elements of that whose instances a migration by equal ids
 * would have no place for; `proposals` say which may have got another id.
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

/** A new environment: a name of letters a to z, digits and `-`. */
export interface EnvironmentIn {
  name: string;
}

/** An environment, and the tenant that it is. */
export interface EnvironmentOut {
  name: string;
  tenant: string;
  at: string;
}

/** The environments of a tenant, by name. */
export interface Environments {
  items: EnvironmentOut[];
  next?: string | null;
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

/** A field of a form. `options` are what one chooses of. */
export interface Field {
  name: string;
  kind: "check" | "choice" | "other" | "radio" | "signature" | "text";
  options?: string[];
  required?: boolean;
}

/** What is wrong with one field of a request. */
export interface FieldError {
  message: string;
  field?: string;
  source?: string;
}

/**
 * How often an answer to a field was refused by a rule. `field` "" is the page; `rule` "" is that of a sensitive
 * field, which is not told.
 */
export interface FieldFaults {
  field: string;
  rule: string;
  count: number;
}

/** What is put into which fields: a text, true or false, an option, or several. */
export interface FillBody {
  /** The name of the new document. */
  name: string;
  values: Record<string, string | boolean | string[]>;
  flatten?: boolean;
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

/**
 * The form of a task or a start. `form` is null for one that is kept inside its process; `reference` is what names
 * a form there, or one that somebody else shows, whose `document` is null.
 */
export interface FormFound {
  form: FormOut | null;
  reference: string | null;
  document: Json;
}

/** A version of a form. `digest` is the SHA-256 of its document. */
export interface FormOut {
  key: string;
  form_id: string;
  version: number;
  name: string;
  version_tag: string;
  deployment: string;
  digest: string;
  at: string;
}

/** Versions of forms, by id and version. */
export interface FormPage {
  items: FormOut[];
  next: string | null;
}

/** How journeys of a process went: `total` of all, and each variant by itself. `version` null: of all versions. */
export interface FunnelOut {
  process_id: string;
  version: number | null;
  total: Numbers;
  variants: Numbers[];
}

/** How many waited for it. */
export interface Heard {
  received: number;
}

/** Facts, in the order in which they were decided. */
export interface HistoryPage {
  items: procession_web_routes_histories_EntryOut[];
  next: string | null;
}

/** A webhook. `secret` is shown to who made it or changed it, and never again. */
export interface Hook {
  id: string;
  url: string;
  types: string[];
  processes: string[];
  description: string;
  disabled: boolean;
  reason: string;
  changed: string;
  secret?: string | null;
}

/** The webhooks of the tenant. */
export interface Hooks {
  items: Hook[];
  next?: string | null;
}

/** An open incident. `element` is the element instance it stopped, `job` the job that is out of retries. */
export interface Incident {
  key: string;
  instance: string;
  process_id: string;
  element: string;
  element_id: string;
  code: string;
  message: string;
  job: string | null;
  at: string;
}

/** A page of open incidents. */
export interface Incidents {
  items: Incident[];
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

/** An instance. `state` is `active`, `incident` (active, with an open incident), `completed` or `terminated`. */
export interface InstanceItem {
  key: string;
  process_id: string;
  version: number;
  state: string;
  started: string;
  ended: string | null;
  business_key: string;
  parent: string | null;
  root: string;
  suspended: boolean;
  failure: string;
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

/** A page of instances. */
export interface Instances {
  items: InstanceItem[];
  next: string | null;
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

/** A journey to start now, and the link to it. */
export interface JourneyIn {
  process_id: string;
  party?: string;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  language?: string;
  uses?: number;
  expires?: string | null;
  contact?: string;
}

/** A journey that was started: its id, its instance, and the link to it. */
export interface JourneyOut {
  journey: string;
  instance: string;
  link: LinkOut;
  url: string;
}

/**
 * A key to make. `processes` null is all of them, `expires` null is never. With a `service`, a service account of
 * the tenant, it never does more than that may.
 */
export interface KeyIn {
  name: string;
  roles: string[];
  processes?: string[] | null;
  expires?: string | null;
  service?: string;
}

/** A key, without its secret. `last_used` is exact to a minute, and null for one that never was used. */
export interface KeyOut {
  id: string;
  name: string;
  roles: string[];
  processes: string[] | null;
  service: string;
  creator: string;
  created: string;
  expires: string | null;
  last_used: string | null;
}

/** A page of keys, by id. */
export interface KeysOut {
  items: KeyOut[];
  next: string | null;
}

/**
 * Quotas of one tenant; 0 stands for none. The writer counts `active_instances`, `definitions`, `webhooks`,
 * `keys`, `storage_bytes` and `payload_bytes` (what variables of one request take as JSON), exactly, whichever
 * process asks. `starts_per_second` and `jobs_per_second` are counted at the door of each process, for itself, and
 * so are `requests_per_second` over HTTP.
 */
export interface Limits {
  weight?: number;
  active_instances?: number;
  requests_per_second?: number;
  starts_per_second?: number;
  jobs_per_second?: number;
  storage_bytes?: number;
  payload_bytes?: number;
  definitions?: number;
  webhooks?: number;
  keys?: number;
}

/** The limits of a tenant; 0 for no limit. */
export interface LimitsOut {
  weight: number;
  active_instances: number;
  requests_per_second: number;
  starts_per_second: number;
  jobs_per_second: number;
  storage_bytes: number;
  payload_bytes: number;
  definitions: number;
  webhooks: number;
  keys: number;
}

/**
 * A link to make: to a process, of which it starts a journey with `variables` when it is opened first, or to an
 * `instance`. Who opens it plays `party`. `uses` 0 is no bound; `expires` null is as long as the journey may take.
 */
export interface LinkIn {
  process_id?: string | null;
  instance?: string | null;
  party?: string;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  language?: string;
  uses?: number;
  expires?: string | null;
  contact?: string;
  name?: string;
}

/** A link, without its token. `identify` is how who opens it has to show who they are. */
export interface LinkOut {
  id: string;
  process_id: string;
  journey: string | null;
  party: string;
  language: string;
  uses: number;
  used: number;
  identify: string;
  name: string;
  creator: string;
  created: string;
  expires: string;
}

/** A page of links, by id. */
export interface LinksOut {
  items: LinkOut[];
  next: string | null;
}

/** A lease that ends `timeout_ms` from now. */
export interface Longer {
  timeout_ms: number;
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
}

/** The key of what was made. */
export interface Made {
  key: string;
}

/**
 * What a member may do. `processes` null is all of them. `user` is the name under which tasks are assigned to
 * them, "" for what their token says; `groups` are candidate groups beside those of their token.
 */
export interface MemberChange {
  roles: string[];
  processes?: string[] | null;
  user?: string;
  groups?: string[];
}

/** A new member: `user:<provider>|<sub>`, or `group:<provider>|<group>` for all of a group. */
export interface MemberIn {
  roles: string[];
  processes?: string[] | null;
  user?: string;
  groups?: string[];
  subject: string;
}

/** A member. */
export interface MemberOut {
  id: string;
  subject: string;
  roles: string[];
  processes: string[] | null;
  user: string;
  groups: string[];
}

/** A page of members, by id. */
export interface MembersOut {
  items: MemberOut[];
  next: string | null;
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

/** Let the instance go over by a plan. One that runs the target already is left alone. */
export interface MigrateEach {
  action: "migrate";
  plan: MigrationPlan;
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

/** Carry out a modification. */
export interface ModifyEach {
  action: "modify";
  instructions: (Activate | Terminate | Move | SetLocal | PutToken | TakeToken)[];
}

/** A change by hand. It is carried out in the order of these fields, all of it or nothing. */
export interface ModifyIn {
  activate?: ActivateIn[];
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

/** End each instance of `source` (or the element instance `key`) and begin `target` in its place. */
export type Move = ["move", string, string, number, Record<string, Json>];

/**
 * Let the instance, with all that it called, go on on the host `to`, or `here`. One that is there is left alone,
 * and so is one that was called: it moves with its caller. `jobs` says what becomes of those under way. `reverts`
 * is the batch whose moves are taken back: then the filter is that they are its own; 0 for none.
 */
export interface MoveEach {
  action: "move";
  to: string;
  jobs?: string;
  reverts?: number;
}

/** End each instance of `source`, or the one with this `key`, and begin `target` in its place. */
export interface MoveIn {
  source: string;
  target: string;
  key?: string | null;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/** What one tenant took of this process since it began. `share` is its part of all `requests`; times in seconds. */
export interface Neighbour {
  tenant: string;
  requests: number;
  share: number;
  waited_s: number;
  waited_max_s: number;
}

/** Tenants, the busiest first. */
export interface Neighbours {
  items: Neighbour[];
  next?: string | null;
}

/**
 * A batch to start. `action` names what is done: `cancel`, `resolve`, `retry`, `migrate`, `suspend`, `resume`,
 * `modify` or `move`, each with its own fields.
 */
export interface NewBatch {
  filter: BatchFilter;
  action: CancelEach | ResolveEach | RetryEach | MigrateEach | SuspendEach | ResumeEach | ModifyEach | MoveEach;
}

/**
 * A key and its text, to be presented as `Authorization: Bearer …`. `secret` is null where the request was
 * answered before, under the same idempotency key: nobody can read it again. Rotate the key to get another one.
 */
export interface NewKeyOut {
  key: KeyOut;
  secret: string | null;
}

/** A link and its address, which is shown this once. */
export interface NewLinkOut {
  link: LinkOut;
  url: string;
}

/** A webhook to make. Without `types` or `processes` all are meant. */
export interface NewWebhook {
  url: string;
  types?: string[];
  processes?: string[];
  description?: string;
}

/**
 * What happened, in all or for one variant. `resume_rate` is the share of starts that were resumed; `submitted`
 * counts forms, and the others journeys.
 */
export interface Numbers {
  variant: string;
  started: number;
  resumed: number;
  resume_rate: number;
  handed_over: number;
  submitted: number;
  ended: number;
  stopped: number;
  pages: PageCounts[];
}

/** What is an instance's own, of many that start together. */
export interface One {
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
  business_key?: string;
}

/** An open job. `due` is when it may next be given out: null for now, or, where `retries` is 0, for not at all. */
export interface OpenJob {
  key: string;
  instance: string;
  process_id: string;
  element: string;
  element_id: string;
  type: string;
  retries: number;
  attempt: number;
  due: string | null;
  priority: number;
  worker: string;
  error: string;
}

/** A page of open jobs. */
export interface OpenJobs {
  items: OpenJob[];
  next: string | null;
}

/**
 * A template of HTML with `{{ values }}`, which are always text. `attachments` are ids of documents, by the name
 * under which it shows them: `<img src="attachment:photo">`. With `forms`, inputs become fields of a form.
 */
export interface PageBody {
  /** The name of the new document. */
  name: string;
  template: string;
  values?: Record<string, Json>;
  attachments?: Record<string, string>;
  forms?: boolean;
}

/**
 * A page of a form: by how many it was `shown`, how many `left` it by going on, the share of those who have not,
 * the mean time at it in seconds (null where nobody left it), how often it was saved, and what was refused there.
 */
export interface PageCounts {
  form: string;
  page: string;
  shown: number;
  left: number;
  drop_off: number;
  seconds: number | null;
  saved: number;
  faults: FieldFaults[];
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

/** A promotion, done or (`deployments` is empty) only planned. `only_there`: what the target alone has. */
export interface Promotion {
  source: string;
  target: string;
  changes: Change[];
  only_there: string[];
  deployments?: string[];
}

/** What to promote: from one environment to another one of the same tenant. */
export interface PromotionIn {
  source: string;
  target: string;
  dry_run?: boolean;
  force?: boolean;
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

/** Put a token on a sequence flow of an active scope; `ancestor` names the scope where several are active. */
export type PutToken = ["put", string, number];

/** Why, for the history. */
export interface ReasonIn {
  reason?: string;
}

/** How a variable refers to a document. */
export interface Reference {
  document: string;
  name: string;
  content_type: string;
  size: number;
}

/** A task listener says no. See `DenyIn`. */
export interface Refusal {
  /** The lease under which the work was done. Without one, whoever has the job loses it. */
  token?: string;
  reason?: string;
}

/** How many events are told again. `next` is where to go on, null when that is all. */
export interface Replayed {
  events: number;
  next: string | null;
}

/** From when on to tell everything again: a time, or the `next` of a replay before. Up to a time, or now. */
export interface Replaying {
  since?: string | null;
  after?: string | null;
  until?: string | null;
}

/** Resolve the open incidents that the filter means (all, if it names none). */
export interface ResolveEach {
  action: "resolve";
  retries?: number;
}

/** How often a job is tried anew. */
export interface Resolving {
  retries?: number;
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
  begin: ActivateIn[];
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

/** Resume the instance, if it is suspended. */
export interface ResumeEach {
  action: "resume";
}

/** Give the jobs that are out of retries so many anew; other incidents stay. */
export interface RetryEach {
  action: "retry";
  retries?: number;
}

/** Nobody worked on it: the job is given out again at once, and it was no attempt. */
export interface ReturnIn {
  outcome: "return";
  key: string;
  token: string;
}

/** How long the present secret holds beside the new one, in seconds. */
export interface RotateIn {
  overlap_seconds?: number;
}

/** The generation of the key that seals from now on. */
export interface Rotated {
  generation: number;
}

/** For how long the old secret signs beside the new one, in seconds. */
export interface Rotating {
  grace_s?: number;
}

/**
 * A seal of a PDF. `intact`: the bytes that it covers are those that were sealed; `whole`: it covers all there
 * are, but for what it allows; `trusted`: a root that is believed stands behind it.
 */
export interface Seal {
  field: string;
  sealed_by: string;
  at: string;
  intact: boolean;
  whole: boolean;
  trusted: boolean;
  timestamped: boolean;
}

/** What a service account may do. `processes` null is all of them. The keys of a disabled one do not hold. */
export interface ServiceChange {
  roles: string[];
  processes?: string[] | null;
  description?: string;
  disabled?: boolean;
}

/** A new service account. */
export interface ServiceIn {
  roles: string[];
  processes?: string[] | null;
  description?: string;
  disabled?: boolean;
  name: string;
}

/** A service account. */
export interface ServiceOut {
  name: string;
  roles: string[];
  processes: string[] | null;
  description: string;
  disabled: boolean;
}

/** A page of service accounts, by name. */
export interface ServicesOut {
  items: ServiceOut[];
  next: string | null;
}

/** Set variables in the scope of an active element (id or key), or of the process ("" and 0). */
export type SetLocal = ["set", Record<string, Json>, string, number];

/** All signatures of a document: the seal covers everything, so none can be added afterwards. */
export interface SignBody {
  /** The name of the new document. */
  name: string;
  signatures: Signature[];
  title?: string;
  reason?: string;
  language?: string;
}

/** A signal to broadcast. */
export interface SignalIn {
  name: string;
  /** Variables by name; each value is any JSON. */
  variables?: Record<string, Json>;
}

/**
 * Who signs, how they were identified, and either what they drew (the data URL of a PNG) or what they typed. It is
 * put into a field, or onto a page (from 1) at a box: left, bottom, width and height in points.
 */
export interface Signature {
  signer: string;
  identified_by: string;
  drawn?: string;
  typed?: string;
  field?: string;
  page?: number;
  box?: [number, number, number, number];
  address?: string;
  agent?: string;
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

/** Suspend the instance, unless it is. */
export interface SuspendEach {
  action: "suspend";
}

/** Take a token away that waits at a join, on this flow. */
export type TakeToken = ["take", string, number];

/** An open user task. `attributes` are those that have no field of their own: forms, lanes. */
export interface Task {
  key: string;
  instance: string;
  process_id: string;
  element_id: string;
  created: string;
  assignee: string | null;
  candidate_users: string[];
  candidate_groups: string[];
  priority: number;
  due: string | null;
  follow_up: string | null;
  attributes: Record<string, Json>;
}

/** Attributes to change; null takes one away, what is left out stays. */
export interface TaskChanges {
  assignee?: string | null;
  candidate_users?: string[] | null;
  candidate_groups?: string[] | null;
  due?: string | null;
  follow_up?: string | null;
  priority?: number | null;
}

/** A page of open tasks. */
export interface Tasks {
  items: Task[];
  next: string | null;
}

/** A tenant to make. */
export interface TenantIn {
  name: string;
}

/** A tenant. `silo` is the tenant in whose store it lives, null for the store that tenants share. */
export interface TenantOut {
  name: string;
  silo: string | null;
}

/**
 * A page of tenants: by name those of the shared store, then those of each silo. `unreachable` are silos whose
 * store could not be asked now: of each its tenant is listed, without environments.
 */
export interface TenantsOut {
  items: TenantOut[];
  next: string | null;
  unreachable: string[];
}

/** End all instances of an element, or the one element instance `key`. */
export type Terminate = ["terminate", string, number];

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

/** What became of a test: the status of the answer, 0 where there was none, and how long it took. */
export interface Tried {
  delivered: boolean;
  status: number;
  error: string;
  ms: number;
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

/** What a tenant has now. `bytes` of storage, by table too; `measured_bytes` what its quota goes by. */
export interface Usage {
  limits: Limits;
  active_instances: number;
  ended_instances: number;
  definitions: number;
  bytes: number;
  bytes_by_table: Record<string, number>;
  measured_bytes: number;
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

/** What to change; what is left out stays. */
export interface WebhookChanges {
  url?: string;
  types?: string[];
  processes?: string[];
  description?: string;
  disabled?: boolean;
}

/** The caller. `processes` null is all of them. */
export interface WhoamiOut {
  tenant: string;
  subject: string;
  user: string;
  groups: string[];
  roles: string[];
  permissions: string[];
  processes: string[] | null;
}

/** A request that changed something. `on` are those of its fields that the log may hold. */
export interface procession_web_routes_audit_EntryOut {
  number: string;
  at: string;
  who: string;
  from: string;
  what: string;
  on: Record<string, Json>;
}

/**
 * A fact of a history: step `seq` at a time, about an element, or a sequence flow, or ("") the instance. What
 * stands in `fact` is told by docs/reference/facts.md, by `kind`.
 */
export interface procession_web_routes_histories_EntryOut {
  seq: number;
  at: string;
  kind: string;
  element: string | null;
  element_id: string;
  fact: Record<string, Json>;
}

/** Where each operation is. */
export const operations = {
  activate_jobs: { method: "POST", path: "/v1/jobs/activate" },
  add_key: { method: "POST", path: "/v1/keys" },
  add_link: { method: "POST", path: "/v1/journeys/links" },
  add_member: { method: "POST", path: "/v1/members" },
  add_service: { method: "POST", path: "/v1/services" },
  add_tenant: { method: "POST", path: "/v1/tenants" },
  begin_upload: { method: "POST", path: "/v1/uploads" },
  broadcast_signal: { method: "POST", path: "/v1/signals" },
  cancel_batch: { method: "POST", path: "/v1/batches/{key}/cancel" },
  cancel_instance: { method: "POST", path: "/v1/instances/{key}/cancel" },
  change_job: { method: "PATCH", path: "/v1/jobs/{key}" },
  change_member: { method: "PUT", path: "/v1/members/{id}" },
  change_service: { method: "PUT", path: "/v1/services/{name}" },
  change_task: { method: "PATCH", path: "/v1/tasks/{key}" },
  change_webhook: { method: "PATCH", path: "/v1/webhooks/{id}" },
  claim_task: { method: "POST", path: "/v1/tasks/{key}/claim" },
  compare_deployment: { method: "POST", path: "/v1/deployments/diff" },
  complete_job: { method: "POST", path: "/v1/jobs/{key}/complete" },
  complete_task: { method: "POST", path: "/v1/tasks/{key}/complete" },
  create_environment: { method: "POST", path: "/v1/environments" },
  delete_document: { method: "DELETE", path: "/v1/documents/{id}" },
  delete_key: { method: "DELETE", path: "/v1/keys/{id}" },
  delete_link: { method: "DELETE", path: "/v1/journeys/links/{id}" },
  delete_member: { method: "DELETE", path: "/v1/members/{id}" },
  delete_service: { method: "DELETE", path: "/v1/services/{name}" },
  deny_job: { method: "POST", path: "/v1/jobs/{key}/deny" },
  deploy: { method: "POST", path: "/v1/deployments" },
  drop_webhook: { method: "DELETE", path: "/v1/webhooks/{id}" },
  end_upload: { method: "DELETE", path: "/v1/uploads/{id}" },
  evaluate_conditions: { method: "POST", path: "/v1/conditions/evaluate" },
  evaluate_decision: { method: "POST", path: "/v1/decisions/{decision_id}/evaluate" },
  export: { method: "GET", path: "/v1/tenants/{name}/export" },
  export_audit: { method: "GET", path: "/v1/audit/export" },
  extend_job: { method: "POST", path: "/v1/jobs/{key}/extend" },
  fail_job: { method: "POST", path: "/v1/jobs/{key}/fail" },
  fill_form: { method: "POST", path: "/v1/documents/{id}/fill" },
  finish_jobs: { method: "POST", path: "/v1/jobs/finish" },
  get_batch: { method: "GET", path: "/v1/batches/{key}" },
  get_brand: { method: "GET", path: "/v1/journeys/brands/{id}" },
  get_content: { method: "GET", path: "/v1/documents/{id}/content" },
  get_decision: { method: "GET", path: "/v1/decisions/{key}" },
  get_decision_xml: { method: "GET", path: "/v1/decisions/{key}/xml" },
  get_definition: { method: "GET", path: "/v1/definitions/{key}" },
  get_definition_diagram: { method: "GET", path: "/v1/definitions/{key}/diagram" },
  get_definition_xml: { method: "GET", path: "/v1/definitions/{key}/xml" },
  get_deployment: { method: "GET", path: "/v1/deployments/{key}" },
  get_deployment_resource: { method: "GET", path: "/v1/deployments/{key}/resources/{digest}" },
  get_document: { method: "GET", path: "/v1/documents/{id}" },
  get_form: { method: "GET", path: "/v1/forms/{key}" },
  get_form_document: { method: "GET", path: "/v1/forms/{key}/document" },
  get_funnel: { method: "GET", path: "/v1/journeys/funnel" },
  get_incident: { method: "GET", path: "/v1/incidents/{key}" },
  get_instance: { method: "GET", path: "/v1/instances/{key}" },
  get_instance_diagram: { method: "GET", path: "/v1/instances/{key}/diagram" },
  get_instance_history: { method: "GET", path: "/v1/instances/{key}/history" },
  get_instance_moment: { method: "GET", path: "/v1/instances/{key}/moments/{seq}" },
  get_instance_variables: { method: "GET", path: "/v1/instances/{key}/variables" },
  get_job: { method: "GET", path: "/v1/jobs/{key}" },
  get_key: { method: "GET", path: "/v1/keys/{id}" },
  get_member: { method: "GET", path: "/v1/members/{id}" },
  get_service: { method: "GET", path: "/v1/services/{name}" },
  get_start_form: { method: "GET", path: "/v1/definitions/{key}/form" },
  get_task: { method: "GET", path: "/v1/tasks/{key}" },
  get_task_form: { method: "GET", path: "/v1/tasks/{key}/form" },
  get_tenant: { method: "GET", path: "/v1/tenants/{name}" },
  get_webhook: { method: "GET", path: "/v1/webhooks/{id}" },
  go_on_with_upload: { method: "PATCH", path: "/v1/uploads/{id}" },
  instance_events: { method: "GET", path: "/v1/instances/{key}/events" },
  list_audit: { method: "GET", path: "/v1/audit" },
  list_batches: { method: "GET", path: "/v1/batches" },
  list_decisions: { method: "GET", path: "/v1/decisions" },
  list_definitions: { method: "GET", path: "/v1/definitions" },
  list_deliveries: { method: "GET", path: "/v1/webhooks/{id}/deliveries" },
  list_deployments: { method: "GET", path: "/v1/deployments" },
  list_documents: { method: "GET", path: "/v1/documents" },
  list_environments: { method: "GET", path: "/v1/environments" },
  list_errors: { method: "GET", path: "/v1/batches/{key}/errors" },
  list_fields: { method: "GET", path: "/v1/documents/{id}/fields" },
  list_forms: { method: "GET", path: "/v1/forms" },
  list_incidents: { method: "GET", path: "/v1/incidents" },
  list_instance_elements: { method: "GET", path: "/v1/instances/{key}/elements" },
  list_instance_incidents: { method: "GET", path: "/v1/instances/{key}/incidents" },
  list_instance_warnings: { method: "GET", path: "/v1/instances/{key}/warnings" },
  list_instances: { method: "GET", path: "/v1/instances" },
  list_jobs: { method: "GET", path: "/v1/jobs" },
  list_keys: { method: "GET", path: "/v1/keys" },
  list_links: { method: "GET", path: "/v1/journeys/links" },
  list_members: { method: "GET", path: "/v1/members" },
  list_seals: { method: "GET", path: "/v1/documents/{id}/seals" },
  list_services: { method: "GET", path: "/v1/services" },
  list_tasks: { method: "GET", path: "/v1/tasks" },
  list_tenants: { method: "GET", path: "/v1/tenants" },
  list_webhooks: { method: "GET", path: "/v1/webhooks" },
  make_migration_plan: { method: "POST", path: "/v1/migration-plans" },
  make_webhook: { method: "POST", path: "/v1/webhooks" },
  migrate_instance: { method: "POST", path: "/v1/instances/{key}/migrate" },
  modify_instance: { method: "POST", path: "/v1/instances/{key}/modify" },
  pause_batch: { method: "POST", path: "/v1/batches/{key}/pause" },
  preview_document: { method: "GET", path: "/v1/documents/{id}/preview" },
  print_page: { method: "POST", path: "/v1/papers" },
  promote_environment: { method: "POST", path: "/v1/environments/promote" },
  publish_message: { method: "POST", path: "/v1/messages" },
  read_limits: { method: "GET", path: "/v1/tenants/{name}/limits" },
  read_neighbours: { method: "GET", path: "/v1/neighbours" },
  read_usage: { method: "GET", path: "/v1/tenants/{name}/usage" },
  remove: { method: "DELETE", path: "/v1/tenants/{name}" },
  replay_webhook: { method: "POST", path: "/v1/webhooks/{id}/replay" },
  resolve_incident: { method: "POST", path: "/v1/incidents/{key}/resolve" },
  restart_instance: { method: "POST", path: "/v1/instances/{key}/restart" },
  resume_batch: { method: "POST", path: "/v1/batches/{key}/resume" },
  resume_definition: { method: "POST", path: "/v1/definitions/{key}/resume" },
  resume_instance: { method: "POST", path: "/v1/instances/{key}/resume" },
  retry_delivery: { method: "POST", path: "/v1/webhooks/{id}/deliveries/{message}/retry" },
  revert_batch: { method: "POST", path: "/v1/batches/{key}/revert" },
  rotate: { method: "POST", path: "/v1/tenants/{name}/keys/rotate" },
  rotate_key: { method: "POST", path: "/v1/keys/{id}/rotate" },
  rotate_secret: { method: "POST", path: "/v1/webhooks/{id}/rotate" },
  set_brand: { method: "POST", path: "/v1/journeys/brands" },
  set_instance_variables: { method: "PATCH", path: "/v1/instances/{key}/variables" },
  sign_document: { method: "POST", path: "/v1/documents/{id}/sign" },
  start_batch: { method: "POST", path: "/v1/batches" },
  start_instance: { method: "POST", path: "/v1/instances" },
  start_instances: { method: "POST", path: "/v1/instances/many" },
  start_journey: { method: "POST", path: "/v1/journeys" },
  stream_jobs: { method: "GET", path: "/v1/jobs/stream" },
  suspend_definition: { method: "POST", path: "/v1/definitions/{key}/suspend" },
  suspend_instance: { method: "POST", path: "/v1/instances/{key}/suspend" },
  tenant_events: { method: "GET", path: "/v1/events" },
  test_webhook: { method: "POST", path: "/v1/webhooks/{id}/test" },
  throw_job_error: { method: "POST", path: "/v1/jobs/{key}/throw" },
  trigger_activities: { method: "POST", path: "/v1/instances/{key}/trigger" },
  unclaim_task: { method: "POST", path: "/v1/tasks/{key}/unclaim" },
  upload: { method: "POST", path: "/v1/documents" },
  whoami: { method: "GET", path: "/v1/whoami" },
  write_limits: { method: "PUT", path: "/v1/tenants/{name}/limits" },
} as const;

/** What each operation takes and answers. */
export interface Operations {
  /** Leases jobs to a worker. Nothing there: it waits for the first, as long as `request_timeout_ms` says */
  activate_jobs: {
    body: ActivateJobsIn;
    answer: JobsOut;
  };
  /** Makes a key. Its roles and processes have to be the caller's own */
  add_key: {
    body: KeyIn;
    answer: NewKeyOut;
  };
  /** Makes a link. To a process it has to say `journey.start` with `personal`; to an instance it needs any start */
  add_link: {
    body: LinkIn;
    answer: NewLinkOut;
  };
  /** Makes somebody a member of the tenant, with roles and processes that the caller has */
  add_member: {
    body: MemberIn;
    answer: MemberOut;
  };
  /** Makes a service account, with roles and processes that the caller has */
  add_service: {
    body: ServiceIn;
    answer: ServiceOut;
  };
  /** Makes a tenant. Nothing happens to one that is there */
  add_tenant: {
    body: TenantIn;
    answer: TenantOut;
  };
  /**
   * Begins an upload of a document that comes piece by piece. `Location` is where the pieces go; the first may come
   * with this request
   */
  begin_upload: {
    query?: { accept?: string; bytes_max?: number; kept_s?: number };
    answer: void;
  };
  /** Broadcasts a signal to everything in the tenant that waits for it, processes that it starts included */
  broadcast_signal: {
    body: SignalIn;
    answer: Heard;
  };
  /** Ends a batch. What it did stays done */
  cancel_batch: {
    path: { key: string };
    answer: void;
  };
  /** Ends an instance and all that it called */
  cancel_instance: {
    path: { key: string };
    body?: ReasonIn;
    answer: void;
  };
  /** Gives an open job retries. One that is out of them goes on when its incident is resolved */
  change_job: {
    path: { key: string };
    body: Changed;
    answer: void;
  };
  /** Changes what a member may do. The caller has to have what the member had, and gets */
  change_member: {
    path: { id: string };
    body: MemberChange;
    answer: MemberOut;
  };
  /** Changes what a service account may do; its keys follow */
  change_service: {
    path: { name: string };
    body: ServiceChange;
    answer: ServiceOut;
  };
  /** Gives the task to somebody, or changes who may take it, when it is due and how urgent it is */
  change_task: {
    path: { key: string };
    body: TaskChanges;
    answer: Task;
  };
  /** Changes a webhook. One that is enabled again is told what happens from then on; what it missed is replayed */
  change_webhook: {
    path: { id: string };
    body: WebhookChanges;
    answer: Hook;
  };
  /** Makes the task the caller's. Refused with 409 when somebody else has it, were it since a moment ago */
  claim_task: {
    path: { key: string };
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
  complete_job: {
    path: { key: string };
    body: Result;
    answer: Finished;
  };
  /** Completes a task. It must be the caller's, or nobody's that they may take */
  complete_task: {
    path: { key: string };
    body: Completing;
    answer: void;
  };
  /** Makes an environment of the caller's tenant: a tenant of its own, with walls and limits of its own */
  create_environment: {
    body: EnvironmentIn;
    answer: EnvironmentOut;
  };
  /** Deletes a document. Variables that refer to it refer to nothing then */
  delete_document: {
    path: { id: string };
    answer: void;
  };
  /** Revokes a key. In other server processes it may hold for five seconds more */
  delete_key: {
    path: { id: string };
    answer: void;
  };
  /** Revokes a link. Sessions that it opened go on */
  delete_link: {
    path: { id: string };
    answer: void;
  };
  /** Takes somebody out of the tenant */
  delete_member: {
    path: { id: string };
    answer: void;
  };
  /** Deletes a service account; its keys hold no longer */
  delete_service: {
    path: { name: string };
    answer: void;
  };
  /** Says no as a task listener */
  deny_job: {
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
  /** Deletes a webhook, and what was told */
  drop_webhook: {
    path: { id: string };
    answer: void;
  };
  /** Gives an upload up that is not finished */
  end_upload: {
    path: { id: string };
    answer: void;
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
  /** Everything of a tenant, a line each; the last one says that nothing is missing */
  export: {
    path: { name: string };
    answer: string;
  };
  /** The log as NDJSON: a line an entry, the oldest first */
  export_audit: {
    query?: { since?: string; subject?: string; until?: string; what?: string };
    answer: string;
  };
  /** Lets a lease end later */
  extend_job: {
    path: { key: string };
    body: Longer;
    answer: Finished;
  };
  /** Tells that an attempt failed; out of retries, the job becomes an incident */
  fail_job: {
    path: { key: string };
    body: Failed;
    answer: Finished;
  };
  /** Fills a form; the filled one is a new document */
  fill_form: {
    path: { id: string };
    body: FillBody;
    answer: DocumentInfo;
  };
  /** Tells what became of many jobs at once */
  finish_jobs: {
    body: FinishIn;
    answer: FinishedAll;
  };
  /** A batch, and how far it is */
  get_batch: {
    path: { key: string };
    answer: Batch;
  };
  /** How pages of a brand look */
  get_brand: {
    path: { id: string };
    answer: Brand;
  };
  /** The bytes of a document, or a range of them. Browsers are told to save it, never to show it */
  get_content: {
    path: { id: string };
    answer: string;
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
  /** Gives a deployment with its documents, processes, decisions and forms */
  get_deployment: {
    path: { key: string };
    answer: DeploymentOut;
  };
  /** Gives a document as it was deployed, byte for byte */
  get_deployment_resource: {
    path: { digest: string; key: string };
    answer: string;
  };
  /** What a document is */
  get_document: {
    path: { id: string };
    answer: DocumentInfo;
  };
  /** Gives a version of a form */
  get_form: {
    path: { key: string };
    answer: FormOut;
  };
  /** Gives the document of a version, byte for byte */
  get_form_document: {
    path: { key: string };
    answer: string;
  };
  /**
   * How journeys of a process went, in numbers: pages, times, faults, drop-off, by variant. Nothing in it is of a
   * person. The newest counts come some seconds late
   */
  get_funnel: {
    query: { from?: string; process_id: string; to?: string; version?: number };
    answer: FunnelOut;
  };
  /** An open incident */
  get_incident: {
    path: { key: string };
    answer: Incident;
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
  /** An open job */
  get_job: {
    path: { key: string };
    answer: OpenJob;
  };
  /** One key */
  get_key: {
    path: { id: string };
    answer: KeyOut;
  };
  /** One member */
  get_member: {
    path: { id: string };
    answer: MemberOut;
  };
  /** One service account */
  get_service: {
    path: { name: string };
    answer: ServiceOut;
  };
  /** Gives the form that a process is started with */
  get_start_form: {
    path: { key: string };
    answer: FormFound;
  };
  /** An open user task */
  get_task: {
    path: { key: string };
    answer: Task;
  };
  /** Gives the form of an open user task, in the version that its binding means */
  get_task_form: {
    path: { key: string };
    answer: FormFound;
  };
  /** One tenant */
  get_tenant: {
    path: { name: string };
    answer: TenantOut;
  };
  /** A webhook */
  get_webhook: {
    path: { id: string };
    answer: Hook;
  };
  /**
   * Takes a piece of an upload. What comes of one that breaks off is kept. With the last one the document is made:
   * `Procession-Document` is its id
   */
  go_on_with_upload: {
    path: { id: string };
    answer: void;
  };
  /**
   * What happened and happens in an instance, from its start, or behind the event that `Last-Event-ID` names; ends
   * with an event `end`. The id of an event is `seq:place`. 204 tells that nothing comes any more
   */
  instance_events: {
    path: { key: string };
    query?: { type?: string[] };
    answer: string;
  };
  /** Who asked for what. Entries are in order, the oldest first */
  list_audit: {
    query?: { after?: string; limit?: number; since?: string; subject?: string; until?: string; what?: string };
    answer: AuditOut;
  };
  /** Batches, the oldest first */
  list_batches: {
    query?: { after?: string; limit?: number };
    answer: Batches;
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
  /** What the webhook is and was told, the last first, for as long as it is kept */
  list_deliveries: {
    path: { id: string };
    query?: { after?: string; limit?: number };
    answer: DeliveryPage;
  };
  /** Lists deployments, the newest first */
  list_deployments: {
    query?: { after?: string; limit?: number };
    answer: DeploymentPage;
  };
  /** Documents by id: all of the tenant for who may read instances, their own for others */
  list_documents: {
    query?: { after?: string; limit?: number };
    answer: DocumentPage;
  };
  /** The environments of the caller's tenant */
  list_environments: {
    answer: Environments;
  };
  /** What a batch could not do */
  list_errors: {
    path: { key: string };
    query?: { after?: string; limit?: number };
    answer: BatchErrors;
  };
  /** The fields of a form that is a PDF */
  list_fields: {
    path: { id: string };
    answer: Field[];
  };
  /** Lists versions of forms, by id and version */
  list_forms: {
    query?: { after?: string; form_id?: string; latest?: boolean; limit?: number; version_tag?: string };
    answer: FormPage;
  };
  /** Open incidents, the oldest first */
  list_incidents: {
    query?: { after?: string; code?: string; instance?: string; limit?: number; process_id?: string };
    answer: Incidents;
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
  /** Instances for which everything holds that is asked for. `root` means all that it called, directly or not */
  list_instances: {
    query?: { after?: string; business_key?: string; definition?: string; ended_from?: string; ended_to?: string; has_incident?: boolean; limit?: number; order?: string; parent?: string; process_id?: string; root?: string; started_from?: string; started_to?: string; state?: string; version?: number };
    answer: Instances;
  };
  /** Open jobs by key, those out of retries included */
  list_jobs: {
    query?: { after?: string; instance?: string; job_type?: string; limit?: number };
    answer: OpenJobs;
  };
  /** The keys of the tenant, by id */
  list_keys: {
    query?: { after?: string; limit?: number };
    answer: KeysOut;
  };
  /** Links to journeys, by id */
  list_links: {
    query?: { after?: string; limit?: number };
    answer: LinksOut;
  };
  /** The members of the tenant, by id */
  list_members: {
    query?: { after?: string; limit?: number };
    answer: MembersOut;
  };
  /** What the seals of a PDF say: whether anything was changed since, and who stands behind them */
  list_seals: {
    path: { id: string };
    answer: Seal[];
  };
  /** The service accounts of the tenant, by name */
  list_services: {
    query?: { after?: string; limit?: number };
    answer: ServicesOut;
  };
  /** Open user tasks for which everything holds that is asked for */
  list_tasks: {
    query?: { after?: string; assignee?: string; candidate_group?: string[]; candidate_user?: string; created_from?: string; created_to?: string; due_from?: string; due_to?: string; element_id?: string; follow_up_from?: string; follow_up_to?: string; instance?: string; limit?: number; order?: string; priority_from?: number; priority_to?: number; process_id?: string; unassigned?: boolean };
    answer: Tasks;
  };
  /** The tenants of the server: by name those of the shared store, then those of each silo */
  list_tenants: {
    query?: { after?: string; limit?: number };
    answer: TenantsOut;
  };
  /** The webhooks of the tenant */
  list_webhooks: {
    answer: Hooks;
  };
  /** Makes a plan from one version to another that maps what both have. Nothing is stored */
  make_migration_plan: {
    body: PlanIn;
    answer: MigrationPlan;
  };
  /** Subscribes an address to what happens from now on. The answer holds the secret that signs (Standard Webhooks) */
  make_webhook: {
    body: NewWebhook;
    answer: Hook;
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
  /** Lets a running batch stand still */
  pause_batch: {
    path: { key: string };
    answer: void;
  };
  /** A small picture of a document that is a picture: the right way up, and without what the camera wrote */
  preview_document: {
    path: { id: string };
    query?: { height?: number; width?: number };
    answer: string;
  };
  /** Makes a PDF of HTML. Nothing is fetched for it but what is attached */
  print_page: {
    body: PageBody;
    answer: DocumentInfo;
  };
  /** Deploys in one environment what is current in another. Settings, secrets and instances stay where they are */
  promote_environment: {
    body: PromotionIn;
    answer: Promotion;
  };
  /** Publishes a message: to the instance that waits for it, or to start one */
  publish_message: {
    body: MessageIn;
    answer: Published;
  };
  /** What a tenant may have */
  read_limits: {
    path: { name: string };
    answer: LimitsOut;
  };
  /** Who takes how much of this process's writer, and how long its requests wait. The platform's admins may */
  read_neighbours: {
    answer: Neighbours;
  };
  /** What a tenant has now, counted: it may take a moment */
  read_usage: {
    path: { name: string };
    answer: Usage;
  };
  /** Deletes a tenant with everything that it has, for good. The platform's admins may */
  remove: {
    path: { name: string };
    answer: Deleted;
  };
  /**
   * Tells a webhook everything of a time again, under the ids of the first time, as far as the feed is kept. Of many
   * events not all are taken at once: ask again with `next` as `after`
   */
  replay_webhook: {
    path: { id: string };
    body: Replaying;
    answer: Replayed;
  };
  /** Tries again what an incident stopped; a job gets `retries` anew. Many are resolved by a batch */
  resolve_incident: {
    path: { key: string };
    body: Resolving;
    answer: void;
  };
  /** Begins at chosen elements, in a new instance or in place */
  restart_instance: {
    path: { key: string };
    body: RestartIn;
    answer: Restarted;
  };
  /** Lets a paused batch go on */
  resume_batch: {
    path: { key: string };
    answer: void;
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
  /** Tells a message again, whatever became of it */
  retry_delivery: {
    path: { id: string; message: string };
    answer: Delivery;
  };
  /** Stops a batch of moves, and starts one that moves back what it moved */
  revert_batch: {
    path: { key: string };
    answer: Made;
  };
  /** Gives a tenant a new key for what is stored from now on. What was stored stays readable */
  rotate: {
    path: { name: string };
    answer: Rotated;
  };
  /** Gives a key a new secret. The present one holds for some time beside it; one from before no longer */
  rotate_key: {
    path: { id: string };
    body: RotateIn;
    answer: NewKeyOut;
  };
  /** Gives a webhook a new secret. For a while messages are signed with the old one, too */
  rotate_secret: {
    path: { id: string };
    body: Rotating;
    answer: Hook;
  };
  /**
   * Sets how pages look whose process says `journey.brand` with this id. Refused where colours that meet have too
   * little contrast, or a value is none
   */
  set_brand: {
    body: BrandIn;
    answer: void;
  };
  /** Sets variables of an instance */
  set_instance_variables: {
    path: { key: string };
    body: VariablesIn;
    answer: void;
  };
  /** Puts signatures onto a PDF, adds a page that tells who signed, and seals all of it; that is a new document */
  sign_document: {
    path: { id: string };
    body: SignBody;
    answer: DocumentInfo;
  };
  /** Starts a batch: it walks over the instances in the background, and can be paused and cancelled */
  start_batch: {
    body: NewBatch;
    answer: Made;
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
  /** Starts a journey at once, and makes a link to it. The process has to say `journey.start` with `api` */
  start_journey: {
    body: JourneyIn;
    answer: JourneyOut;
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
  /** What happens in the tenant, from now on, or behind the event that `Last-Event-ID` names, as far as it is kept */
  tenant_events: {
    query?: { process_id?: string[]; type?: string[] };
    answer: string;
  };
  /** Sends a `webhook.ping` at once, and tells what became of it */
  test_webhook: {
    path: { id: string };
    answer: Tried;
  };
  /** Ends a job with a BPMN error */
  throw_job_error: {
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
  /** Gives the task back: nobody has it then */
  unclaim_task: {
    path: { key: string };
    answer: void;
  };
  /**
   * Uploads a document: the body is its bytes, `Content-Type` says what they are. Asked again under the same key it
   * is the document of the first time
   */
  upload: {
    query: { kept_s?: number; name: string; sha256?: string };
    answer: DocumentInfo;
  };
  /** Who asks, for which tenant, and what they may do there */
  whoami: {
    answer: WhoamiOut;
  };
  /** Says what a tenant may have, from now on; what is left out has no limit. The platform's admins may */
  write_limits: {
    path: { name: string };
    body: Limits;
    answer: LimitsOut;
  };
}
