'use strict';

// `npx beanwire` in a project that has installed the tarballs.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');
const { text } = require('node:stream/consumers');
const { after, before, test } = require('node:test');
const {
  executable, folder, pack, platform, project, root, target,
} = require('./project');

const { version } = require('../../package.json');

const dir = folder(after);
const alone = folder(after);
const native = path.join(dir, `node_modules/@beanwire/binding-${target}`);

before(() => {
  const [main, binary] = [root, platform].map((from) => pack(from, dir).file);
  project(dir, {}, [main, binary]);
  project(alone, {}, [main]);
});

/** The command in the project, without npm around it. */
function command(cwd) {
  return path.join(cwd, 'node_modules/.bin/beanwire');
}

function run(cwd, args, input = '') {
  return spawnSync(command(cwd), args, { cwd, encoding: 'utf8', input, timeout: 60e3 });
}

/** A server of its own, and the first line that it prints, which is its URI. */
async function serve(t) {
  const child = spawn(command(dir), ['serve', '--listen', '127.0.0.1:0'], { cwd: dir });
  // Passed on, which SIGKILL could not be.
  t.after(() => child.kill('SIGTERM'));
  const stderr = text(child.stderr);
  const [uri] = await once(readline.createInterface({ input: child.stdout }), 'line');
  return { child, stderr, uri };
}

test('npx runs it', () => {
  const options = { cwd: dir, encoding: 'utf8', timeout: 60e3 };
  const { status, stdout } = spawnSync('npx', ['--offline', 'beanwire', '--version'], options);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: `beanwire ${version}\n` });
});

test('arguments, standard streams and the exit status pass through', async (t) => {
  const { uri } = await serve(t);
  const put = run(dir, ['put', '--tube', 'mail', '--uri', uri], 'two  words\0\xff');
  assert.equal(put.status, 0, put.stderr);
  const peek = spawnSync(command(dir), ['peek', '--tube', 'mail', '--state', 'ready', '--body', '--uri', uri], { cwd: dir });
  assert.equal(peek.status, 0, String(peek.stderr));
  assert.ok(peek.stdout.includes(Buffer.from('two  words\0\xff')), peek.stdout);
  assert.equal(run(dir, ['--no-such-flag']).status, 2);
  assert.equal(run(dir, ['stats', '--uri', '127.0.0.1:1']).status, 3);
});

test('signals pass through', async (t) => {
  const { child, stderr, uri } = await serve(t);
  child.kill('SIGUSR1');
  let refused;
  do {
    refused = run(dir, ['put', '--tube', 'mail', 'x', '--uri', uri]);
  } while (refused.status === 0);
  assert.match(refused.stderr, /no new jobs/);
  child.kill('SIGTERM');
  const [code, signal] = await once(child, 'exit');
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  assert.match(await stderr, /draining/);
});

test('a program that a signal ends takes its caller with it', async (t) => {
  const { child } = await serve(t);
  const [found] = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
  process.kill(Number(found), 'SIGKILL');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
});

test('without the package of the system it is told what was tried and what to do', () => {
  const { status, stderr } = run(alone, ['--version']);
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`^error: beanwire ${version} has no command line for ${target} `));
  assert.match(stderr, new RegExp(`Cannot find module '@beanwire/binding-${target}/package.json'`));
  assert.match(stderr, /npm\/cli issues 4828 and 8320/);
});

test('a program of another version is not run', (t) => {
  const file = path.join(native, 'package.json');
  const manifest = fs.readFileSync(file, 'utf8');
  t.after(() => fs.writeFileSync(file, manifest));
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(manifest), version: '9.8.7' }));
  const { status, stderr } = run(dir, ['--version']);
  assert.equal(status, 1);
  assert.match(stderr, /version mismatch, expected \S+ but got 9\.8\.7/);
  assert.match(stderr, /remove node_modules and install again/);
});

test('a program that cannot be run is named', { skip: process.platform === 'win32' }, (t) => {
  const file = path.join(native, executable);
  t.after(() => fs.chmodSync(file, 0o755));
  fs.chmodSync(file, 0o644);
  const { status, stderr } = run(dir, ['--version']);
  assert.equal(status, 1);
  assert.match(stderr, /beanwire: spawn .* EACCES/);
});
