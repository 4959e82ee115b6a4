/** The component over the contract, in Node: the real server of forms is at PLAYER_URL. */

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { until, window } from "./dom.js";
import { PlayerApi, PlayerError } from "../src/api.js";
import { masked } from "../src/draw/inputs.js";
import { types } from "../src/draw/fields.js";
import { answerParent } from "../src/embed.js";
import { Dec } from "../src/feel/numbers.js";
import { Live } from "../src/live.js";
import { MemoryShelf, Outbox } from "../src/outbox.js";
import { found } from "../src/pattern.js";
import { pathOf, valueAt, withValue } from "../src/paths.js";
import { Player } from "../src/player.js";
import { say, shown, typable, typed } from "../src/texts.js";
import { Upload } from "../src/uploads.js";
import { decode, encode } from "../src/wire.js";
import type { Json, JsonObject } from "../src/wire.js";

const ADDRESS = `${process.env["PLAYER_URL"]}/api`;
const players: Player[] = [];
const made = (more: Partial<ConstructorParameters<typeof Player>[0]> = {}): { root: Element; player: Player; events: [string, JsonObject][] } => {
  const root = document.createElement("main");
  document.body.replaceChildren(root);
  const events: [string, JsonObject][] = [];
  const api = more.api ?? new PlayerApi({ address: ADDRESS, token: "t" });
  const player = new Player({ root, api, shelf: Promise.resolve(new MemoryShelf()), saveAfter: 1, emit: (name, detail) => events.push([name, detail]), ...more });
  players.push(player);
  return { root, player, events };
};
const control = (root: Element, name: string): HTMLInputElement | undefined =>
  [...root.querySelectorAll<HTMLInputElement>("input")].find((each) => each.name === name);
const type = (root: Element, name: string, value: string): HTMLInputElement => {
  const input = control(root, name)!;
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  return input;
};
const leave = (input: Element): void => void input.dispatchEvent(new Event("focusout", { bubbles: true }));

beforeEach(() => players.splice(0).forEach((player) => player.stop()));
after(async () => {
  players.forEach((player) => player.stop());
  await window.happyDOM.close();
});

test("numbers keep their digits on the way, and keys cannot change prototypes", () => {
  const text = '{"a":1.10,"b":12345678901234567890,"__proto__":{"x":1}}';
  const value = decode(text) as JsonObject;
  assert.ok(value["a"] instanceof Dec);
  assert.equal(({} as { x?: number }).x, undefined);
  assert.match(encode(value), /"b":12345678901234567890/);
});

test("values stand at paths, and what is beside them stays", () => {
  const data: Json = { people: [{ name: "A" }, { name: "B" }], c: 1 };
  const changed = withValue(data, pathOf("people[1].name"), "X");
  assert.equal(valueAt(changed, pathOf("people[1].name")), "X");
  assert.equal(valueAt(data, pathOf("people[1].name")), "B");
  assert.deepEqual(pathOf("a..b"), []);
});

test("numbers are typed and shown as the language writes them", () => {
  assert.equal(typed("1.234,5", "de"), "1234.5");
  assert.equal(typed("1,234.5", "en"), "1234.5");
  assert.equal(typed("٣٫٥", "ar"), "3.5");
  assert.equal(typed("x", "en"), "x");
  assert.equal(typed(" ", "en"), null);
  assert.equal(typable("2.50", "de"), "2,50");
  assert.equal(shown(1234.5, "de"), "1.234,5");
  assert.equal(say("maxFiles", "ar", { n: 2 }), "اختر ملفين على الأكثر.");
  assert.equal(say("required", "xx"), "This must be filled in.");
});

test("masks put their own signs in", () => {
  assert.equal(masked("ab1234", "AA-9999"), "ab-1234");
  assert.equal(masked("1b", "AA"), "b");
});

test("a pattern runs here only where its worst case is short", () => {
  assert.equal(found("^[A-Z]{2}\\d{3}$", "AB123"), true);
  assert.equal(found("^(?=.*\\d).{4,}$", "abc1"), true);
  for (const slow of ["^(a+)+$", "(a|a)*b", "^(a?){30}b", "((a*)*)*"]) assert.throws(() => found(slow, "aaaa!"), /a pattern/);
  assert.throws(() => found("a*b*c*d*", "a".repeat(100)), /a pattern/);
});

test("every type of the schema is drawn", () => {
  assert.equal(new Set(types()).size, 22);
});

test("a field is judged when it is left, and what is wrong goes as soon as it is right", async () => {
  const { root, player } = made();
  await player.open();
  const vat = control(root, "f:vat");
  assert.equal(vat, undefined, "what is hidden is not drawn");
  const amount = type(root, "f:amount", "0");
  leave(amount);
  assert.match(root.textContent!, /Enter 1 or more/);
  const again = type(root, "f:amount", "50");
  assert.doesNotMatch(root.textContent!, /Enter 1 or more/);
  assert.equal(control(root, "f:amount")!.value, "50");
  assert.ok(again.isConnected || control(root, "f:amount"));
});

test("conditions show at once what was seen, and ask for what was not", async () => {
  const { root, player, events } = made();
  await player.open();
  const box = control(root, "f:company")!;
  box.checked = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  await until(() => control(root, "f:vat"));
  await until(() => events.some(([name]) => name === "saved"));
  box.checked = false;
  control(root, "f:company")!.checked = false;
  control(root, "f:company")!.dispatchEvent(new Event("change", { bubbles: true }));
  assert.equal(control(root, "f:vat"), undefined, "it goes in the same turn");
  control(root, "f:company")!.checked = true;
  control(root, "f:company")!.dispatchEvent(new Event("change", { bubbles: true }));
  assert.ok(control(root, "f:vat"), "it comes back without the server");
  control(root, "f:company")!.checked = false;
  control(root, "f:company")!.dispatchEvent(new Event("change", { bubbles: true }));
  // The next test opens the same page: a company would have to fill in more.
  assert.equal(await player.outbox.flush(), true);
});

test("the next page is there before the server answers, and the server's word counts", async () => {
  const { root, player, events } = made();
  await player.open();
  type(root, "f:name", "Ann");
  type(root, "f:amount", "20");
  player.go("next");
  assert.equal(root.querySelector("h1")!.textContent, "Pay");
  await until(() => events.some(([name, detail]) => name === "saved" && Number(detail["version"]) > 0));
  player.go("back");
  assert.equal(root.querySelector("h1")!.textContent, "Who");
  assert.equal(control(root, "f:name")!.value, "Ann");
  type(root, "f:name", "");
  player.go("next");
  assert.equal(root.querySelector("h1")!.textContent, "Who");
  assert.equal(root.querySelector(".errors a")!.textContent, "Name: This must be filled in.");
});

test("a write is kept until it is known, and sent again with its number", async () => {
  const sent: string[] = [];
  let cut = true;
  const shelf = new MemoryShelf();
  const api = new PlayerApi({
    address: ADDRESS, token: "t",
    fetch: async (address, init) => {
      sent.push(String(init?.body));
      if (cut) throw new TypeError("cut");
      return fetch(address, init);
    },
  });
  const told: string[] = [];
  const outbox = new Outbox(api, (state) => told.push(state), Promise.resolve(shelf));
  outbox.stage("T", "name", "Kept");
  assert.equal(await outbox.flush(), false);
  assert.equal(told.at(-1), "offline");
  assert.equal((await shelf.all(ADDRESS)).length, 1);
  outbox.stop();
  cut = false;
  const next = new Outbox(api, () => undefined, Promise.resolve(shelf));
  assert.equal((await next.earlier()).length, 1);
  assert.equal(await next.flush(), true);
  assert.equal(sent[0], sent[1], "the same device, number and base");
  assert.deepEqual(await shelf.all(ADDRESS), []);
});

test("a shelf that fails loses no answer of the window that is open", async () => {
  const broken = { all: () => Promise.reject(new Error("full")), put: () => Promise.reject(new Error("full")), remove: () => Promise.reject(new Error("full")) };
  const outbox = new Outbox(new PlayerApi({ address: ADDRESS, token: "t" }), () => undefined, Promise.resolve(broken));
  outbox.stage("T", "name", "Still");
  assert.equal(await outbox.flush(), true);
});

test("a token goes to no other server, and a problem is told with its status", async () => {
  const api = new PlayerApi({ address: ADDRESS, token: "t" });
  assert.throws(() => api.send("https://elsewhere.test/files"), /another server/);
  const wrong = new PlayerApi({ address: ADDRESS });
  await assert.rejects(wrong.draft({ task: "T", base: 0, sets: {}, seq: 1, device: "d" }), (error: PlayerError) => error.status === 403 && !error.again);
  const html = new PlayerApi({ address: ADDRESS, fetch: () => Promise.resolve(new Response("<html>")) });
  await assert.rejects(html.screen(), (error: PlayerError) => error.status === 502);
});

test("a wait follows the stream, and asks where the stream fails", async () => {
  let streams = 0;
  let asked = 0;
  const api = new PlayerApi({
    address: ADDRESS,
    fetch: () => {
      streams++;
      if (streams === 1) return Promise.resolve(new Response(": hello\n\ndata: {}\n\n", { headers: { "Content-Type": "text/event-stream" } }));
      return Promise.reject(new TypeError("cut"));
    },
  });
  const live = new Live(api, () => Promise.resolve(void asked++), "/events", 1);
  live.start();
  await until(() => streams > 2 && asked > 2);
  live.stop();
});

test("a file goes on from where the server stands", async () => {
  const offsets: string[] = [];
  let size = 0;
  let cut = true;
  const api = new PlayerApi({
    address: ADDRESS, token: "t",
    fetch: async (_, init) => {
      const headers = new Headers(init?.headers);
      if (init?.method === "POST") return new Response(null, { status: 201, headers: { Location: `${ADDRESS}/files/f1` } });
      if (init?.method === "HEAD") return new Response(null, { headers: { "Upload-Offset": String(size) } });
      offsets.push(headers.get("Upload-Offset")!);
      size += (init!.body as Blob).size;
      // The part arrived, and its answer did not.
      if (offsets.length === 1 && cut) {
        cut = false;
        throw new TypeError("cut");
      }
      return new Response(null, { status: 204, headers: { "Upload-Offset": String(size) } });
    },
  });
  const file = new File(["x".repeat(2_500_000)], "a.bin", { type: "text/plain" });
  const value = await new Upload(api, file, {}, () => undefined, 1).start();
  assert.deepEqual(value, { id: "f1", name: "a.bin", size: 2_500_000, type: "text/plain" });
  assert.deepEqual(offsets, ["0", "1000000", "2000000"]);
});

test("a page in a frame speaks to nobody but an origin that may frame it", () => {
  const posted: [unknown, string][] = [];
  const parent = { postMessage: (data: unknown, origin: string) => posted.push([data, origin]) };
  let hear: (event: unknown) => void = () => undefined;
  const here = { parent, addEventListener: (_: string, listener: (event: unknown) => void) => (hear = listener) } as unknown as Window & typeof globalThis;
  Object.defineProperty(globalThis, "ResizeObserver", { value: class { observe(): void {} }, configurable: true });
  document.body.dataset["embedOrigins"] = "https://good.test";
  const tell = answerParent(document, here);
  tell("page", { kind: "page" });
  const hello = { from: "procession-player", name: "hello" };
  hear({ source: parent, origin: "https://evil.test", data: hello });
  hear({ source: {}, origin: "https://good.test", data: hello });
  assert.equal(posted.length, 0);
  hear({ source: parent, origin: "https://good.test", data: hello });
  assert.deepEqual(posted.map(([data, origin]) => [(data as { name: string }).name, origin]), ["ready", "height", "page"].map((name) => [name, "https://good.test"]));
  delete document.body.dataset["embedOrigins"];
  answerParent(document, here)("page", {});
  assert.equal(posted.length, 3);
});

test("a page that goes away sends one write with all that is open", async () => {
  const bodies: JsonObject[] = [];
  const api = new PlayerApi({
    address: ADDRESS, token: "t",
    fetch: (_, init) => {
      bodies.push(decode(String(init?.body)) as JsonObject);
      return Promise.reject(new TypeError("cut"));
    },
  });
  const outbox = new Outbox(api, () => undefined, Promise.resolve(new MemoryShelf()));
  outbox.stage("T", "a", 1);
  outbox.seal();
  outbox.stage("T", "a", 2);
  outbox.stage("T", "b", 3);
  outbox.leave();
  await until(() => bodies.length);
  assert.equal(bodies.length, 1);
  assert.deepEqual(bodies[0]!["sets"], { a: 2, b: 3 });
  assert.equal(bodies[0]!["seq"], 3);
  outbox.stop();
});
