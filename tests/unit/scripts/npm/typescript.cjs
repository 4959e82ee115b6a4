// What the compiler of TypeScript makes of snippets, and how two JavaScript texts compare: the oracle of test_typescript.py.
// Standard input: {"snippets": [{"source", "erased"}]}. Standard output: [{"valid", "expected", "got"}], printed anew without
// comments, brackets and empty statements, so that only the trees are compared (brackets that a tree needs come back).
const ts = require("typescript");
const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };

// Without exports, the compiler marks a module that had types alone.
const marker = (one) =>
  ts.isExportDeclaration(one) && !one.moduleSpecifier && one.exportClause && one.exportClause.elements.length === 0;

function printed(text) {
  const file = ts.createSourceFile("a.js", text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  if (file.parseDiagnostics.length) return "ERROR: " + ts.flattenDiagnosticMessageText(file.parseDiagnostics[0].messageText, " ");
  const { transformed } = ts.transform(file, [(context) => (root) => {
    const visit = (node) => {
      if (ts.isParenthesizedExpression(node) && !ts.isOptionalChain(node.expression)) return visit(node.expression);
      const kept = ts.visitEachChild(node, visit, context);
      const without = (list) => list.filter((one) => !ts.isEmptyStatement(one) && !marker(one) && !ts.isSemicolonClassElement(one));
      if (ts.isSourceFile(kept)) return context.factory.updateSourceFile(kept, without(kept.statements));
      if (ts.isBlock(kept)) return context.factory.updateBlock(kept, without(kept.statements));
      if (ts.isClassDeclaration(kept))
        return context.factory.updateClassDeclaration(kept, kept.modifiers, kept.name, undefined, kept.heritageClauses, without(kept.members));
      if (ts.isClassExpression(kept))
        return context.factory.updateClassExpression(kept, kept.modifiers, kept.name, undefined, kept.heritageClauses, without(kept.members));
      return kept;
    };
    return visit(root);
  }]);
  // The printer keeps whether a block stood on one line: that is no difference.
  return ts.createPrinter({ removeComments: true }).printFile(transformed[0]).replace(/\s+/g, " ").replace(/ \./g, ".").trim();
}

const { snippets } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = snippets.map(({ source, erased }) => {
  const done = ts.transpileModule(source, { compilerOptions: options, reportDiagnostics: true, fileName: "a.ts" });
  const valid = done.diagnostics.length === 0;
  const expected = printed(done.outputText);
  return { valid, why: done.diagnostics.map((one) => ts.flattenDiagnosticMessageText(one.messageText, " ")).join(), expected, got: printed(erased) };
});
process.stdout.write(JSON.stringify(answers));
