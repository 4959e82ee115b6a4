// Whether texts compile together under --strict: the oracle of test_script_types.py. Standard input: [{name: text}].
// Standard output: for each set of files, the messages of the compiler, "file:line: text".
const ts = require("typescript");
const path = require("path");
const sets = JSON.parse(require("fs").readFileSync(0, "utf8"));
const options = {
  strict: true, noEmit: true, target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, types: [],
  lib: ["lib.es2023.d.ts"], moduleDetection: ts.ModuleDetectionKind.Force,
  // Of what comes with the compiler nothing is in question.
  skipDefaultLibCheck: true,
};
const libraries = new Map();
const answers = sets.map((files) => {
  const host = ts.createCompilerHost(options);
  const real = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) => {
    const own = files[path.basename(name)];
    if (own !== undefined) return ts.createSourceFile(name, own, version, true);
    if (!libraries.has(name)) libraries.set(name, real(name, version));
    return libraries.get(name);
  };
  host.fileExists = (name) => files[path.basename(name)] !== undefined;
  const program = ts.createProgram(Object.keys(files), options, host);
  return ts.getPreEmitDiagnostics(program).map((one) => {
    const line = one.file ? one.file.getLineAndCharacterOfPosition(one.start).line + 1 : 0;
    return `${one.file ? one.file.fileName : ""}:${line}: ${ts.flattenDiagnosticMessageText(one.messageText, " ")}`;
  });
});
process.stdout.write(JSON.stringify(answers));
