'use strict';

// The first two examples of README.md do what they say.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startServer } = require('../..');
const { root } = require('./project');

const [put, handle] = fs.readFileSync(path.join(root, 'README.md'), 'utf8')
  .matchAll(/^```js\n(.*?)^```/gms);

/** Runs an example with another server than the one that it names; `onText` is told what it said. */
async function run(t, [, code], uri, onText = () => {}) {
  const program = code.replace('127.0.0.1:11300', uri);
  assert.notEqual(program, code);
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: root });
  t.after(() => child.kill('SIGKILL'));
  const said = { stderr: '', stdout: '' };
  for (const name of ['stderr', 'stdout']) {
    child[name].on('data', (data) => {
      said[name] += data;
      onText(said.stdout, child);
    });
  }
  const [status, signal] = await once(child, 'close');
  assert.deepEqual({ signal, status, stderr: said.stderr }, { signal: null, status: 0, stderr: '' });
  return said.stdout;
}

test('a job is put, and handled until the process is told to end', { timeout: 30e3 }, async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  assert.equal(await run(t, put, server.uri), `job 1 is ready on ${server.uri}\n`);

  let isTold = false;
  const said = await run(t, handle, server.uri, (text, child) => {
    // A second one would end it at once.
    if (!isTold && text.includes('job 1: hello')) {
      isTold = child.kill('SIGTERM');
    }
  });
  assert.match(said, /^1 handled, 0 failed$/m);
});
