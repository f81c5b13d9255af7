'use strict';

// The demo runs to its end, and ends cleanly when it is stopped.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { test } = require('node:test');
const { root } = require('./project');

function start(...args) {
  const demo = path.join(root, 'examples/demo.js');
  const child = spawn(process.execPath, [demo, ...args], { timeout: 60e3 });
  return { child, end: Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]) };
}

test('all jobs are handled, and figures are printed', async () => {
  const [[code], stdout, stderr] = await start('--jobs', '2000').end;
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.match(stdout, /^bulk +2000 jobs put, handled and deleted in [\d.]+ s: \d+ jobs per second$/m);
  assert.match(stdout, /^latency +put to handler, idle queue +p50 [\d.]+ ms, p99 [\d.]+ ms/m);
  assert.match(stdout, /^handled +2500 jobs, 0 failed$/m);
});

test('Ctrl-C ends it at once and cleanly', async () => {
  const { child, end } = start('--jobs', '100000000');
  await once(child.stdout, 'data');
  setTimeout(() => child.kill('SIGINT'), 200);
  const [[code, signal], stdout, stderr] = await end;
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  assert.match(stdout, /^handled +\d+ jobs, 0 failed$/m);
  assert.match(stdout, /^stopped +by Ctrl-C; \d+ jobs that were still to be handled are deleted$/m);
});

test('a count that is none is refused', async () => {
  const [[code], , stderr] = await start('--jobs', 'many').end;
  assert.equal(code, 1);
  assert.match(stderr, /--jobs many: a whole number above 0 is needed/);
});
