// A cage of Deno: frames as of `wire.py` on standard input and output, one script for ever. What V8 gives a script beyond
// ECMAScript (Intl, Temporal, structuredClone) stays; what reaches out of the process goes before the script comes.
const PRELUDE = "@PRELUDE@";
// After the event that tells that the program was loaded, which needs what is taken away here.
setTimeout(function () {
  "use strict";
  const HEAD = 85, DONE = 0, SYNTAX = 5, UNKNOWN = 8, PENDING = 4;
  const stdin = Deno.stdin, stdout = Deno.stdout, clock = performance.now.bind(performance), evaluate = eval;
  const decoder = new TextDecoder(), encoder = new TextEncoder(), exit = Deno.exit.bind(Deno);
  const queue = setTimeout;
  const KEPT = new Set(
    ("Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp " +
      "Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError globalThis JSON Math Intl " +
      "ArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array BigUint64Array BigInt64Array " +
      "Uint8ClampedArray Float32Array Float64Array Float16Array DataView Map BigInt Set Iterator WeakMap WeakSet Proxy " +
      "Reflect FinalizationRegistry WeakRef SharedArrayBuffer decodeURI decodeURIComponent encodeURI encodeURIComponent " +
      "escape unescape eval isFinite isNaN queueMicrotask structuredClone atob btoa Temporal SuppressedError " +
      "DisposableStack AsyncDisposableStack performance").split(" "),
  );
  for (const name of Reflect.ownKeys(globalThis)) if (!KEPT.has(name)) delete globalThis[name];
  for (const name of Reflect.ownKeys(globalThis)) if (!KEPT.has(name) && typeof name === "string") globalThis[name] = undefined;
  const door = evaluate(PRELUDE);
  let loaded = "";

  function exactly(size) {
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const n = stdin.readSync(bytes.subarray(at));
      if (n === null) exit(0);
      at += n;
    }
    return bytes;
  }
  function answer(status, begun, value, said) {
    const out = encoder.encode(value), heard = encoder.encode(said), frame = new Uint8Array(13 + out.length + heard.length);
    const head = new DataView(frame.buffer);
    head.setUint8(0, status);
    head.setUint32(1, Math.min((clock() - begun) * 1000, 0xffffffff), true);
    head.setUint32(5, out.length, true);
    head.setUint32(9, heard.length, true);
    frame.set(out, 13);
    frame.set(heard, 13 + out.length);
    for (let at = 0; at < frame.length; ) at += stdout.writeSync(frame.subarray(at));
  }
  function load(key, text, isModule) {
    try {
      door("load", evaluate(text + "\n//# sourceURL=script"), isModule);
      loaded = key;
      return [DONE, ""];
    } catch (error) {
      return [SYNTAX, String(error)];
    }
  }
  async function call(head, view, body, lengths) {
    const texts = lengths.map((length, i) => {
      const from = lengths.slice(0, i).reduce((sum, each) => sum + each, 0);
      return decoder.decode(body.subarray(from, from + length));
    });
    const key = head.subarray(0, 32).join(), begun = clock();
    let [status, value] = [DONE, ""];
    if (loaded !== key) {
      if (!lengths[0]) return answer(UNKNOWN, begun, "", "");
      [status, value] = load(key, texts[0], view.getUint8(84) === 1);
    }
    if (status === DONE) {
      let found = door("run", texts[2], texts[1], view.getFloat64(40, true), view.getUint32(68, true),
        view.getUint32(64, true), view.getUint32(56, true), view.getUint32(60, true));
      // The queue of a promise's jobs is empty when a timer fires: what is not settled then never will be.
      if (found === PENDING) found = await new Promise((go) => queue(() => go(door("settled")), 0));
      [status, value] = typeof found === "string" ? [DONE, found] : [found, door("outcome")];
    }
    answer(status, begun, value, door("heard"));
  }
  stdout.writeSync(new Uint8Array([114]));
  (async function () {
    for (;;) {
      const head = exactly(HEAD), view = new DataView(head.buffer);
      const lengths = [72, 76, 80].map((at) => view.getUint32(at, true));
      await call(head, view, exactly(lengths[0] + lengths[1] + lengths[2]), lengths);
    }
  })();
}, 0);
