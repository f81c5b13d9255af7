'use strict';

// Every example of the documentation compiles in strict mode, against the packed package.

const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const {
  folder, pack, platform, project, root, tool, tools, write,
} = require('./project');

/** What short examples take for granted. */
const GIVEN = `
import type * as beanwire from 'beanwire';

declare global {
  const connection: beanwire.Connection;
  const consumer: beanwire.Consumer;
  const job: beanwire.Job;
  const producer: beanwire.Producer;
  const server: Awaited<ReturnType<typeof beanwire.startServer>>;
  const signal: AbortSignal;
  const url: string;
  function work(body: unknown): Promise<void>;
}
`;

const STRICT = {
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  noEmit: true,
  strict: true,
  target: 'es2022',
  types: ['node'],
};

const dir = folder(after);
const pages = ['README.md', ...fs.readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith('.md'));

before(() => {
  const tarballs = [root, platform].map((from) => pack(from, dir).file);
  const others = ['@opentelemetry/api', '@types/node', 'pino'].map((name) => path.join(tools, name));
  project(dir, {}, [...tarballs, ...others]);
  const unknown = fs.readFileSync(path.join(__dirname, 'unknown.d.ts'), 'utf8');
  write(dir, { 'given.d.mts': GIVEN, 'unknown.d.ts': unknown });
});

for (const page of pages) {
  test(`the examples of ${page}`, () => {
    const text = fs.readFileSync(path.join(root, page), 'utf8');
    compile(page, fences(text));
  });
}

const types = fs.readdirSync(path.join(root, 'lib')).filter((name) => name.endsWith('.d.ts'));

for (const page of ['index.d.ts', ...types.map((name) => `lib/${name}`)]) {
  const text = fs.readFileSync(path.join(root, page), 'utf8');
  const names = Object.keys(require(root));
  // What they are examples of need not be imported.
  const examples = fences(text.replace(/^ *\* ?/gm, '')).map((example) => ({
    ...example,
    code: example.code.includes("from 'beanwire'") ? example.code
      : `import { ${names.join(', ')} } from 'beanwire'; ${example.code}`,
  }));
  if (examples.length > 0) {
    test(`the examples of ${page}`, () => compile(page.replace('/', '-'), examples));
  }
}

/** Examples in their fences, with the line each starts on. */
function fences(text) {
  const examples = [];
  for (const { 1: language, 2: code, index } of text.matchAll(/^```(\w+)\n(.*?)^```/gms)) {
    if (['cjs', 'javascript', 'js', 'mjs', 'ts', 'typescript'].includes(language)) {
      examples.push({ code, isTyped: language.startsWith('t'), line: text.slice(0, index).split('\n').length });
    }
  }
  return examples;
}

/** Compiles each as a module of its own, in which lines have the numbers they have on the page. */
function compile(page, examples) {
  const name = page.replaceAll('/', '-');
  const files = { ts: [], js: [] };
  for (const { code, isTyped, line } of examples) {
    const kind = /\brequire\(/.test(code) ? 'c' : 'm';
    const file = `${name}-${line}.${kind}${isTyped ? 'ts' : 'js'}`;
    const end = kind === 'm' ? '\nexport {};\n' : '';
    write(dir, { [file]: `${'\n'.repeat(line)}${code}${end}` });
    files[isTyped ? 'ts' : 'js'].push(file);
  }
  // JavaScript cannot say of what type a parameter is.
  check(files.ts, STRICT);
  check(files.js, { ...STRICT, allowJs: true, checkJs: true, noImplicitAny: false });
}

function check(files, compilerOptions) {
  if (files.length > 0) {
    const config = { compilerOptions, files: [...files, 'given.d.mts', 'unknown.d.ts'] };
    write(dir, { 'tsconfig.json': JSON.stringify(config) });
    tool(dir, 'tsc');
  }
}
