'use strict';

// What is in the tarballs, and whether all that names their parts agrees.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, test } = require('node:test');
const {
  binary, executable, folder, pack, platform, root, target, tool,
} = require('./project');

const manifest = require('../../package.json');

/** A system with an older one cannot load the binary. Also in the descriptions of the packages. */
const GLIBC = 34;

/** Bounds on what an installation takes on disk, in bytes. */
const LARGEST_PACKAGE = 400e3;
const LARGEST_PLATFORM = 14e6;

const tarballs = folder(after);
const main = pack(root, tarballs);
const native = pack(platform, tarballs);

test('the package has what is needed to run it, its types, its licences, and nothing else', () => {
  const files = main.account.files.map((file) => file.path);
  for (const file of [
    'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'bin/beanwire.js', 'binding.js', 'index.d.mts',
    'index.d.ts', 'index.js', 'index.mjs', 'lib/native.js', 'package.json',
  ]) {
    assert.ok(files.includes(file), file);
  }
  const needed = /^(LICENSE-\w+|README\.md|package\.json|b\w+(\/beanwire)?\.js|(index|lib\/\w+)(\.d)?\.m?[jt]s)$/;
  assert.deepEqual(files.filter((file) => !needed.test(file)), []);
  const lib = fs.readdirSync(path.join(root, 'lib')).map((file) => `lib/${file}`);
  assert.deepEqual(lib.filter((file) => !files.includes(file)), []);
});

test('the package of a platform has its binaries and nothing else to run', () => {
  assert.deepEqual(native.account.files.map((file) => file.path).sort(), [
    'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', executable, `beanwire.${target}.node`, 'package.json',
  ]);
});

test('they are small', () => {
  assert.ok(main.account.unpackedSize < LARGEST_PACKAGE, `${main.account.unpackedSize} bytes`);
  assert.ok(native.account.unpackedSize < LARGEST_PLATFORM, `${native.account.unpackedSize} bytes`);
});

test('publint has nothing to say', () => {
  for (const { file } of [main, native]) {
    tool(root, 'publint', 'run', '--strict', file);
  }
});

test('the types are right in every way to import them', () => {
  tool(root, 'attw', '--no-definitely-typed', '--no-color', '--format', 'ascii', main.file);
});

test('nothing runs when it is installed', () => {
  assert.deepEqual(Object.keys(manifest.scripts), ['build']);
  assert.equal(manifest.dependencies, undefined);
});

test('every target has a package of the same version that says where it fits', () => {
  const names = fs.readdirSync(path.join(root, 'npm')).sort();
  const expected = names.map((name) => [`@beanwire/binding-${name}`, manifest.version]);
  assert.deepEqual(Object.entries(manifest.optionalDependencies), expected);
  assert.equal(manifest.napi.targets.length, names.length);
  for (const name of names) {
    const [os, cpu, abi] = name.split('-');
    const { description, ...found } = require(path.join(root, 'npm', name, 'package.json'));
    const libc = { gnu: ['glibc'], musl: ['musl'] }[abi];
    assert.deepEqual([found.os, found.cpu, found.libc], [[os], [cpu], libc], name);
    assert.equal(found.name, `@beanwire/binding-${name}`);
    assert.equal(found.version, manifest.version);
    assert.equal(found.main, `beanwire.${name}.node`);
    const executable = os === 'win32' ? 'beanwire.exe' : 'beanwire';
    assert.deepEqual(found.files, ['LICENSE-*', executable, found.main]);
    assert.deepEqual(found.engines, manifest.engines);
    assert.equal(found.license, manifest.license);
    if (abi === 'gnu') {
      assert.match(description, new RegExp(`glibc 2\\.${GLIBC} or newer`));
    }
  }
});

test('the package has the version of the workspace', () => {
  const workspace = fs.readFileSync(path.join(root, '../../Cargo.toml'), 'utf8');
  assert.match(workspace, new RegExp(`^version = "${manifest.version}"$`, 'm'));
});

for (const file of [binary, path.join(platform, executable)]) {
  const name = path.basename(file);
  test(`${name} needs no newer glibc than the packages say`, { skip: !target.endsWith('gnu') }, () => {
    const wanted = fs.readFileSync(file, 'latin1').matchAll(/GLIBC_2\.(\d+)/g);
    const newest = Math.max(...[...wanted].map(([, minor]) => Number(minor)));
    assert.ok(newest <= GLIBC, `it needs glibc 2.${newest}`);
  });
}

test('import gives what require gives', () => {
  const program = `
    import * as imported from ${JSON.stringify(path.join(root, 'index.mjs'))};
    import { createRequire } from 'node:module';
    const required = createRequire('/')(${JSON.stringify(path.join(root, 'index.js'))});
    const differ = (name) => imported[name] !== required[name];
    const names = new Set([...Object.keys(imported), ...Object.keys(required)]);
    names.delete('default');
    console.log(JSON.stringify([...names].filter(differ)), names.size);
  `;
  const args = ['--input-type=module', '--eval', program];
  const [differing, count] = execFileSync(process.execPath, args, { encoding: 'utf8' }).split(' ');
  assert.equal(differing, '[]');
  assert.ok(Number(count) > 4, `${count} exports`);
});
