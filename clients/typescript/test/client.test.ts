import assert from "node:assert/strict";
import { test } from "node:test";

import { BadValue, BpmnError, Client, Conflict, NotFound, Refused, Unreachable, Worker } from "../src/index.js";
import type { Job } from "../src/index.js";

const url = process.env["PROCESSION_URL"] ?? "";
const model = (id: string, type: string) => `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t"><process id="${id}" isExecutable="true">
 <startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="work"/><serviceTask id="work"><extensionElements>
 <zeebe:taskDefinition type="${type}"/></extensionElements></serviceTask>
 <boundaryEvent id="no" attachedToRef="work"><errorEventDefinition errorRef="refused"/></boundaryEvent>
 <sequenceFlow id="h" sourceRef="no" targetRef="n"/><endEvent id="n"/>
 <sequenceFlow id="g" sourceRef="work" targetRef="e"/><endEvent id="e"/></process>
 <error id="refused" errorCode="refused"/></definitions>`;

async function prepared(id: string): Promise<Client> {
  const client = new Client({ url, tenant: `ts-${id}` });
  await client.deploy({ [`${id}.bpmn`]: model(id, id) });
  return client;
}

test("instances are started once under a key and waited for", async () => {
  const client = await prepared("once");
  const key = await client.start("once", { n: 1 }, { key: "k" });
  assert.equal(await client.start("once", { n: 1 }, { key: "k" }), key);
  await assert.rejects(client.start("once", { n: 2 }, { key: "k" }), Conflict);
  assert.equal((await client.instance(key)).state, "active");
  assert.deepEqual(await client.variables(key), { n: 1 });
  const waited = await client.startAndWait("once", {}, { waitMs: 1 });
  assert.equal(waited.state, "active");
});

test("errors have classes, and refused models say why", async () => {
  const client = await prepared("errors");
  await assert.rejects(client.instance("77"), NotFound);
  await assert.rejects(client.start("nowhere"), NotFound);
  await assert.rejects(client.call("finish_jobs", { body: { items: [{ outcome: "forget" } as never] } }), BadValue);
  await assert.rejects(client.deploy({ "bad.bpmn": model("bad", "bad").replace('targetRef="e"', 'targetRef="x"') }), (error) => {
    assert.ok(error instanceof Refused);
    assert.ok(error.diagnostics.length > 0);
    return true;
  });
  await assert.rejects(new Client({ url: "http://127.0.0.1:9", retries: 1 }).instance("1"), Unreachable);
});

test("a worker completes, throws and fails, and ends well", async () => {
  const client = await prepared("errands");
  const seen: Job[] = [];
  const worker = new Worker(client, { name: "node" }).handle(
    "errands",
    async (job) => {
      seen.push(job);
      if (job.variables["kind"] === "error") throw new BpmnError("refused", "no", { why: "because" });
      if (job.variables["kind"] === "fails" && job.attempt === 1) throw new Error("once");
      return { attempt: job.attempt };
    },
    { fetchVariables: ["kind"], backoffMs: [0] },
  );
  const running = worker.run();
  const kinds = ["fine", "error", "fails"];
  const ended = await Promise.all(kinds.map((kind) => client.startAndWait("errands", { kind, other: 1 })));
  assert.deepEqual(ended.map((each) => each.state), ["completed", "completed", "completed"]);
  assert.deepEqual(ended.map((each) => each.variables?.["attempt"]), [1, undefined, 2]);
  assert.equal(ended[1]?.variables?.["why"], "because");
  assert.ok(seen.every((job) => job.process_id === "errands" && !("other" in job.variables)));
  await worker.stop();
  await running;
  const left = await client.startAndWait("errands", { kind: "fine" }, { waitMs: 50 });
  assert.equal(left.state, "active");
});

test("a lease is kept while its handler runs, and many jobs are done at once", async () => {
  const client = await prepared("many");
  let active = 0;
  let most = 0;
  const attempts: number[] = [];
  const worker = new Worker(client).handle(
    "many",
    async (job) => {
      attempts.push(job.attempt);
      active += 1;
      most = Math.max(most, active);
      await new Promise((resolve) => setTimeout(resolve, job.variables["n"] === 0 ? 1500 : 20));
      active -= 1;
    },
    { maxJobs: 5, leaseMs: 600 },
  );
  void worker.run();
  const ended = await Promise.all(Array.from({ length: 20 }, (_, n) => client.startAndWait("many", { n })));
  assert.ok(ended.every((each) => each.state === "completed"));
  assert.ok(most > 1 && most <= 5, `${most} at once`);
  assert.deepEqual(new Set(attempts), new Set([1]));
  await worker.stop();
});

test("tasks, incidents and instances are found, and what people decide is told", async () => {
  const client = new Client({ url, tenant: "ts-people" });
  const asked = model("asked", "x").replace(/<serviceTask[^]*serviceTask>/, '<userTask id="work"/>');
  await client.deploy({ "asked.bpmn": asked, "fails.bpmn": model("fails", "fails") });
  const key = await client.start("asked");
  const [task] = (await client.tasks({ process_id: "asked" })).items;
  assert.equal(task?.instance, key);
  await client.completeTask(task?.key ?? "", { ok: true });
  assert.deepEqual((await client.search({ state: "completed" })).items.map((each) => each.key), [key]);

  const stuck = await client.start("fails");
  const leased = await client.call("activate_jobs", { body: { types: ["fails"], request_timeout_ms: 5000 } });
  const job = leased.items[0];
  assert.ok(job);
  await client.finishJobs([{ outcome: "fail", key: job.key, token: job.token, error: "no", retries: 0 }]);
  const [incident] = (await client.incidents({ instance: stuck })).items;
  assert.equal(incident?.job, job.key);
  await client.resolve(incident?.key ?? "", 2);
  assert.deepEqual((await client.incidents({ instance: stuck })).items, []);
});
