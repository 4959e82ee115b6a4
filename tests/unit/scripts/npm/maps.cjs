// Sources with maps, as builds make them: the makers of test_source_map.py. Standard input: {name: TypeScript}. Standard
// output: for each way of making them, the code with the map inside, or the code and the map beside it.
const ts = require("typescript");
const esbuild = require("esbuild");
const files = JSON.parse(require("fs").readFileSync(0, "utf8"));
const made = {};
for (const [name, source] of Object.entries(files)) {
  const plain = { loader: "ts", sourcefile: name, format: "esm" };
  made[name] = {
    esbuild: { code: esbuild.transformSync(source, { ...plain, sourcemap: "inline" }).code, map: "" },
    minified: { code: esbuild.transformSync(source, { ...plain, sourcemap: "inline", minify: true }).code, map: "" },
  };
  const beside = esbuild.transformSync(source, { ...plain, sourcemap: "external", minify: true });
  made[name].beside = { code: beside.code, map: beside.map };
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  const inline = ts.transpileModule(source, { compilerOptions: { ...options, inlineSourceMap: true }, fileName: name });
  made[name].tsc = { code: inline.outputText, map: "" };
  const mapped = ts.transpileModule(source, { compilerOptions: { ...options, sourceMap: true }, fileName: name });
  made[name].tscBeside = { code: mapped.outputText, map: mapped.sourceMapText };
}
process.stdout.write(JSON.stringify(made));
