// What stands in every context before a customer's script: no state but what a call sets, no authority at all.
// It returns one function, the door that the cage knocks at: its first argument says for what.
(function () {
  "use strict";
  const { freeze, getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Object;
  const { ownKeys, construct } = Reflect;
  const { parse, stringify } = JSON;
  const RealDate = Date;
  const RealPromise = Promise;
  const world = globalThis;
  const InternalErrorKind = typeof InternalError === "function" ? InternalError : class {};
  let now = 0;

  // --- what the instance decides: time and chance --------------------------------------------------------------------
  function InstanceDate(...given) {
    if (new.target === undefined) return new RealDate(now).toString();
    return construct(RealDate, given.length === 0 ? [now] : given, new.target);
  }
  defineProperty(InstanceDate, "name", { value: "Date" });
  defineProperty(InstanceDate, "length", { value: 7 });
  defineProperty(InstanceDate, "prototype", { value: RealDate.prototype, writable: false });
  for (const name of ["UTC", "parse"])
    defineProperty(InstanceDate, name, { value: RealDate[name], writable: true, configurable: true });
  defineProperty(InstanceDate, "now", { value: { now: () => now }.now, writable: true, configurable: true });
  defineProperty(RealDate.prototype, "constructor", { value: InstanceDate });
  world.Date = InstanceDate;

  // sfc32, seeded by four words; the first twelve draws are thrown away, as its author has it.
  let a = 0, b = 0, c = 0, d = 0;
  function draw() {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  }
  function seed(high, low) {
    a = high | 0; b = low | 0; c = high ^ 0x9e3779b9; d = 1;
    for (let i = 0; i < 12; i++) draw();
  }
  Math.random = { random: () => ((draw() >>> 5) * 67108864 + (draw() >>> 6)) / 9007199254740992 }.random;

  // --- what must not be there: clocks, the collector's view, threads that block, code from text -----------------------
  for (const name of ["performance", "WeakRef", "FinalizationRegistry", "SharedArrayBuffer", "Atomics", "eval"])
    delete world[name];
  // An accessor of the engine's, which cannot be frozen; V8 keeps a value here, without which errors have no places.
  if (getOwnPropertyDescriptor(Error, "stackTraceLimit")?.set) delete Error.stackTraceLimit;
  const refuse = function Function() {
    throw new EvalError("code from text is not allowed in scripts");
  };
  const makers = [function () {}, function* () {}, async function () {}, async function* () {}];
  for (const each of makers) defineProperty(getPrototypeOf(each), "constructor", { value: refuse });
  defineProperty(refuse, "prototype", { value: Function.prototype });
  world.Function = refuse;

  // --- what a script says, and how it fails ------------------------------------------------------------------------
  const LEVELS = ["debug", "log", "info", "warn", "error"];
  let lines = [], room = 0;
  function shown(value) {
    if (typeof value === "string") return value;
    if (value instanceof Error) return String(value);
    try {
      const text = typeof value === "object" && value !== null ? stringify(value) : undefined;
      return text === undefined ? String(value) : text;
    } catch (_) {
      return "[" + typeof value + "]";
    }
  }
  function say(level, given) {
    if (room <= 0) return;
    let text = "";
    for (let i = 0; i < given.length && text.length <= room; i++) text += (i ? " " : "") + shown(given[i]);
    if (text.length > room) text = text.slice(0, room) + "…";
    room -= text.length + 1;
    lines[lines.length] = [level, text];
    if (room <= 0) lines[lines.length] = ["warn", "what is said beyond the limit is not kept"];
  }
  const console = {};
  for (const level of LEVELS) console[level] = (...given) => say(level, given);
  console.dir = console.trace = console.log;
  console.assert = (holds, ...given) => { if (!holds) say("error", ["assertion failed", ...given]); };
  world.console = console;

  class BpmnError extends Error {
    constructor(code, message = "", variables = {}) {
      super(message);
      this.code = String(code);
      this.variables = variables;
    }
  }
  defineProperty(BpmnError.prototype, "name", { value: "BpmnError", writable: true, configurable: true });
  world.BpmnError = BpmnError;

  // --- frozen: one call can change nothing that another sees --------------------------------------------------------
  // A frozen prototype refuses `mine.toString = …` in objects that inherit from it, so what libraries do assign
  // becomes an accessor, which gives the object a property of its own.
  function assignable(owner, name) {
    const is = getOwnPropertyDescriptor(owner, name);
    if (is === undefined || !("value" in is) || !is.configurable) return;
    const { value, enumerable } = is;
    const both = {
      get() { return value; },
      set(mine) {
        if (this === owner) throw new TypeError("'" + name + "' is frozen");
        defineProperty(this, name, { value: mine, writable: true, enumerable: true, configurable: true });
      },
    };
    defineProperty(owner, name, { get: freeze(both.get), set: freeze(both.set), enumerable, configurable: false });
  }
  for (const name of ["constructor", "toString", "toLocaleString", "valueOf", "hasOwnProperty"])
    assignable(Object.prototype, name);
  for (const name of ["constructor", "name", "message", "toString"]) assignable(Error.prototype, name);
  for (const each of [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError, BpmnError])
    assignable(each.prototype, "name");

  const hidden = [
    [].values(), ""[Symbol.iterator](), new Map().keys(), new Set().keys(), "".matchAll(/a/g),
    Iterator.from({ next() {} }), [].values().map((x) => x), makers[1].prototype, makers[3].prototype,
    getPrototypeOf(makers[3].prototype),
  ].map(getPrototypeOf);
  function freezeAll(owner) {
    for (const key of ownKeys(owner)) {
      const { value, get, set } = getOwnPropertyDescriptor(owner, key);
      if (typeof value === "function" && value.prototype) freeze(value.prototype);
      if (value !== world) freeze(value);
      if (get !== undefined) freeze(get);
      if (set !== undefined) freeze(set);
    }
    freeze(owner);
  }
  for (const key of ownKeys(world)) {
    const value = world[key];
    if (value === world || value === null || (typeof value !== "function" && typeof value !== "object")) continue;
    if (value.prototype) freezeAll(value.prototype);
    freezeAll(value);
  }
  const typed = getPrototypeOf(Int8Array);
  for (const each of [...hidden, ...makers.map(getPrototypeOf), typed, typed.prototype]) freezeAll(each);
  freeze(world);

  // --- a call --------------------------------------------------------------------------------------------------------
  let factories = new Map(), isModule = false, enter, loaded, outcome = "", settled = 0, most = 0;

  const require = (name) => {
    let found = loaded.get(name);
    if (found === undefined) {
      const factory = factories.get(name);
      if (factory === undefined) throw new ReferenceError("there is no module '" + name + "'");
      loaded.set(name, (found = {}));
      factory(require, found, console, undefined, undefined);
      freeze(found);
    }
    return found;
  };
  freeze(require);

  // What a call gives is a text of JSON, "" for undefined; else a number says what happened, and `outcome` has its text.
  // Texts are never joined here: the cage's library cannot take a text that the engine keeps as a rope.
  const THROWN = 1, PROCESS_ERROR = 2, TOO_MUCH = 3, PENDING = 4, MEMORY = 7;
  function valued(value) {
    if (value === undefined) return "";
    const text = stringify(value);
    if (text === undefined) throw new TypeError("a " + typeof value + " cannot be a variable");
    if (text.length <= most) return text;
    outcome = stringify(text.length);
    return TOO_MUCH;
  }
  function failed(error) {
    try {
      if (error instanceof BpmnError) {
        outcome = stringify([error.code, String(error.message), error.variables]);
        return PROCESS_ERROR;
      }
      // Where no memory is left for an error, null is thrown.
      if (error === null || (error instanceof InternalErrorKind && error.message === "out of memory")) return MEMORY;
      const isError = error instanceof Error;
      outcome = stringify(isError ? [error.name, error.message, error.stack].map(String) : ["", shown(error), ""]);
    } catch (_) {
      outcome = '["","an error that cannot be shown",""]';
    }
    return THROWN;
  }
  // The parts of a script: a name and a factory for each module, then the factory of the script.
  function load(parts, isIt) {
    enter = parts[parts.length - 1];
    isModule = isIt;
    for (let i = 0; i + 1 < parts.length; i += 2) factories.set(parts[i], parts[i + 1]);
  }
  function begin(input, context) {
    if (!isModule) return enter(require, {}, console, input, context);
    const own = {};
    enter(require, own, console, undefined, undefined);
    if (typeof own.default !== "function") throw new TypeError("a module's default export must be a function");
    return own.default(input, context);
  }
  function run(input, context, at, high, low, output, said) {
    now = at; room = said; most = output; lines = []; loaded = new Map(); outcome = ""; settled = PENDING;
    seed(high, low);
    try {
      const value = begin(parse(input), parse(context));
      if (!(value instanceof RealPromise)) return valued(value);
      value.then((v) => { settled = valued(v); }).catch((e) => { settled = failed(e); });
      return PENDING;
    } catch (error) {
      return failed(error);
    }
  }
  return function door(what, ...given) {
    switch (what) {
      case "run": return run(...given);
      case "load": return load(...given);
      case "settled": return settled;
      case "outcome": return outcome;
      case "heard": return lines.length ? stringify(lines) : "";
    }
  };
})()
