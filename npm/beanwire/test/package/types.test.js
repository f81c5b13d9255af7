'use strict';

// The types accept what they should, and nothing else, in the strictest mode there is.

const fs = require('node:fs');
const path = require('node:path');
const { after, test } = require('node:test');
const {
  folder, pack, platform, project, root, tool, tools, write,
} = require('./project');

test('types.mts compiles', () => {
  const dir = folder(after);
  const tarballs = [root, platform].map((from) => pack(from, dir).file);
  project(dir, {}, [...tarballs, path.join(tools, '@types/node')]);
  const source = fs.readFileSync(path.join(__dirname, 'types.mts'), 'utf8');
  const compilerOptions = {
    exactOptionalPropertyTypes: true,
    lib: ['es2023', 'esnext.disposable', 'dom'],
    module: 'nodenext',
    noEmit: true,
    noImplicitOverride: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    strict: true,
    target: 'es2022',
    types: ['node'],
    verbatimModuleSyntax: true,
  };
  write(dir, {
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['types.mts'] }),
    'types.mts': source,
  });
  tool(dir, 'tsc');
});
