'use strict';

// What is said when there is no binding, for each reason that can be thought of here.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');
const { folder, root, write } = require('./project');

/** Loads `lib/native.js` beside files of the test's own, on a system of the given kind. */
function load(t, { binding, files = {}, libc = 'gnu', arch = 'x64', platform = 'linux' }) {
  const dir = folder((clean) => t.after(clean));
  for (const file of ['lib/native.js', 'lib/platform.js', 'package.json']) {
    fs.cpSync(path.join(root, file), path.join(dir, file));
  }
  const header = libc === 'gnu' ? '{ glibcVersionRuntime: "2.36" }' : '{}';
  write(dir, {
    ...(binding === undefined ? {} : { 'binding.js': binding }),
    ...files,
    'system.js': `
      Object.defineProperty(process, 'platform', { value: '${platform}' });
      Object.defineProperty(process, 'arch', { value: '${arch}' });
      process.report.getReport = () => ({ header: ${header} });
    `,
    'main.js': `
      let result;
      try {
        result = { binding: require('./lib/native.js') };
        if ('NAPI_RS_ENFORCE_VERSION_CHECK' in process.env) throw new Error('the environment');
      } catch ({ message, code, cause }) {
        result = { message, code, cause: cause?.message };
      }
      console.log(JSON.stringify(result));
    `,
  });
  const args = ['--require', './system.js', 'main.js'];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: dir, encoding: 'utf8' }));
}

/** What the generated file throws when each of these was tried in vain. */
function failing(...messages) {
  return `
    let cause = null;
    for (const message of ${JSON.stringify(messages)}) {
      const error = new Error(message);
      error.cause = cause;
      cause = error;
    }
    const error = new Error('Cannot find native binding.');
    error.cause = cause;
    throw error;
  `;
}

function installed(target) {
  return { [`node_modules/@beanwire/binding-${target}/package.json`]: '{}' };
}

const NOTHING = failing(
  "Cannot find module './beanwire.linux-x64-gnu.node'\nRequire stack:\n- /app/binding.js",
  "Cannot find module '@beanwire/binding-linux-x64-gnu'\nRequire stack:\n- /app/binding.js",
  "Cannot find module './beanwire.wasi.cjs'",
);

test('a binding is what is exported, and nothing else is changed', (t) => {
  const binding = 'module.exports = { Reactor: 1, asked: process.env.NAPI_RS_ENFORCE_VERSION_CHECK }';
  assert.deepEqual(load(t, { binding }), { binding: { Reactor: 1, asked: '1' } });
});

test('a binary of another version', (t) => {
  const binding = failing('Native binding package version mismatch, expected 2.0.0 but got 1.0.0');
  const { code, message } = load(t, { binding, files: installed('linux-x64-gnu') });
  assert.equal(code, 'NATIVE_BINDING_NOT_LOADED');
  assert.match(message, /expected 2\.0\.0 but got 1\.0\.0/);
  assert.match(message, /remove node_modules and install again/);
});

test('all that was tried is listed, in order and without noise', (t) => {
  const { cause, code, message } = load(t, { binding: NOTHING });
  assert.equal(code, 'NATIVE_BINDING_NOT_LOADED');
  assert.equal(cause, 'Cannot find native binding.');
  const [first, ...lines] = message.split('\n');
  assert.match(first, /^beanwire \S+ has no native binding for linux-x64-gnu \(Node\.js \d+\./);
  assert.deepEqual(lines.slice(0, 4), [
    'Tried:',
    "  - Cannot find module './beanwire.linux-x64-gnu.node'",
    "  - Cannot find module '@beanwire/binding-linux-x64-gnu'",
    'To mend it:',
  ]);
});

test('a package that npm left out', (t) => {
  const { message } = load(t, { binding: NOTHING });
  assert.match(message, /npm\/cli issues 4828 and 8320/);
  assert.match(message, /remove node_modules and package-lock\.json, then run `npm install`/);
  assert.match(message, /@beanwire\/binding-linux-x64-gnu .* without `--omit=optional`/);
  assert.match(message, /mark `beanwire` as external/);
  assert.doesNotMatch(message, /Alpine/);
});

test('node_modules from glibc, on musl', (t) => {
  const files = installed('linux-x64-gnu');
  const { message } = load(t, { binding: NOTHING, files, libc: 'musl' });
  assert.match(message, /no native binding for linux-x64-musl/);
  assert.match(message, /node_modules has linux-x64-gnu and was made on another system/);
  assert.match(message, /Alpine \(musl\) and Debian \(glibc\)/);
});

test('node_modules from a Mac, on Linux', (t) => {
  const { message } = load(t, { binding: NOTHING, files: installed('darwin-arm64') });
  assert.match(message, /node_modules has darwin-arm64 and was made on another system/);
});

test('a system with a glibc too old', (t) => {
  const binding = failing("/lib/libc.so.6: version `GLIBC_2.34' not found (required by x.node)");
  const { message } = load(t, { binding, files: installed('linux-x64-gnu') });
  assert.match(message, /version `GLIBC_2\.34' not found/);
  assert.match(message, /needs a newer glibc than this system has/);
});

test('a binary that is there and does not load', (t) => {
  const binding = failing('x.node: file too short');
  const { message } = load(t, { binding, files: installed('linux-x64-gnu') });
  assert.match(message, /file too short/);
  assert.match(message, /the system does not load it, for the reason above: install again/);
});

test('a system that there is no binary for', (t) => {
  const binding = failing('Unsupported architecture on Linux: mips');
  const { message } = load(t, { arch: 'mips', binding });
  assert.match(message, /no native binding for linux-mips-gnu/);
  assert.match(message, /there are binaries for darwin-arm64, .*, win32-x64-msvc; for others/);
});

test('other platforms go by their own names', (t) => {
  const mac = load(t, { arch: 'arm64', binding: NOTHING, platform: 'darwin' });
  assert.match(mac.message, /no native binding for darwin-arm64 /);
  const windows = load(t, { binding: NOTHING, platform: 'win32' });
  assert.match(windows.message, /no native binding for win32-x64-msvc /);
});

test('a clone in which nothing was built', (t) => {
  const { message } = load(t, {});
  assert.match(message, /Cannot find module '\.\.\/binding\.js'/);
  assert.match(message, /build it with `cargo xtask node`/);
  assert.doesNotMatch(message, /4828/);
});
