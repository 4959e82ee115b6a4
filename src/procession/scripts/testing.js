// What the tests of scripts import as "test": they are told as they stand in the file, and run when all of it was read.
const tests = [];

export function test(name, body) {
  tests.push([String(name), body]);
}

export function equal(actual, expected, message) {
  const difference = differs(actual, expected, "");
  if (difference) throw new AssertionError(message ? message + ": " + difference : difference);
}

export function ok(value, message) {
  if (!value) throw new AssertionError(message || shown(value) + " is not true");
}

export function throws(body, expected) {
  let thrown;
  try {
    body();
  } catch (error) {
    thrown = [error];
  }
  if (!thrown) throw new AssertionError("nothing was thrown");
  const text = thrown[0] instanceof Error ? thrown[0].message : String(thrown[0]);
  const isIt = expected === undefined || (expected instanceof RegExp ? expected.test(text) : text.includes(expected));
  if (!isIt) throw new AssertionError("thrown was " + shown(text) + ", not " + shown(String(expected)));
}

export async function results() {
  const found = [];
  for (const [name, body] of tests) {
    try {
      await body();
      found.push([name, "", ""]);
    } catch (error) {
      const isError = error instanceof Error;
      found.push([name, isError ? error.name + ": " + error.message : String(error), isError ? String(error.stack) : ""]);
    }
  }
  return found;
}

class AssertionError extends Error {
  constructor(message) {
    super(message);
    this.name = "AssertionError";
  }
}

function shown(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (_) {
    return String(value);
  }
}

function differs(actual, expected, path) {
  if (Object.is(actual, expected)) return "";
  const both = [actual, expected];
  if (both.some((each) => typeof each !== "object" || each === null) || Array.isArray(actual) !== Array.isArray(expected))
    return (path || "the value") + " is " + shown(actual) + ", not " + shown(expected);
  for (const key of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
    const place = path + (Array.isArray(actual) ? "[" + key + "]" : (path ? "." : "") + key);
    if (!Object.hasOwn(actual, key) || !Object.hasOwn(expected, key))
      return place + (Object.hasOwn(actual, key) ? " is there, and should not be" : " is missing");
    const difference = differs(actual[key], expected[key], place);
    if (difference) return difference;
  }
  return "";
}
