'use strict';

// What only shows in the long run, or at a bad moment. Each runs in a process of its own.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { describe, test } = require('node:test');

const MIB = 2 ** 20;

/** Workers come and go: what may be left of 100 of them. They leave nothing, up to noise. */
const WORKERS = { fds: 2, rss: 24 * MIB, threads: 1 };

/** What the heap, the buffers and the process may grow by in a million jobs. */
const JOBS = { arrayBuffers: 2 * MIB, heapUsed: 4 * MIB, rss: 24 * MIB };

/** Runs a script of this folder; resolves with how it ended and what it said. */
async function run(args, { flags = [], timeout = 60e3 } = {}) {
  const [script, ...rest] = args;
  const all = [...flags, path.join(__dirname, script), ...rest.map(String)];
  const child = spawn(process.execPath, all, { timeout });
  const said = { stderr: '', stdout: '' };
  for (const name of ['stderr', 'stdout']) {
    child[name].on('data', (data) => {
      said[name] += data;
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code, signal, ...said };
}

/** Fails if anything has grown by more than is allowed. */
function assertGrowth(before, after, allowed) {
  for (const [name, limit] of Object.entries(allowed)) {
    const growth = after[name] - before[name];
    assert.ok(growth <= limit, `${name} grew by ${growth}, from ${before[name]}`);
  }
}

test('100 loads and unloads in worker threads leave nothing behind', async (t) => {
  const { code, stderr, stdout } = await run(['workers.js'], { flags: ['--expose-gc'] });
  assert.equal(code, 0, stderr);
  const { after, before } = JSON.parse(stdout);
  t.diagnostic(`from ${JSON.stringify(before)} to ${JSON.stringify(after)}`);
  assertGrowth(before, after, WORKERS);
});

describe('a process ends amid work', () => {
  const ends = {
    exit: { code: 7, said: /^$/, signal: null },
    kill: { code: null, said: /^$/, signal: 'SIGTERM' },
    reject: { code: 1, said: /nobody handles this/, signal: null },
    throw: { code: 1, said: /nobody catches this/, signal: null },
  };
  for (const [end, expected] of Object.entries(ends)) {
    test(`by ${end}, at once and later`, async () => {
      for (const after of [0, 1, 5, 20, 100]) {
        const { code, signal, stderr } = await run(['exit.js', end, '--after', after], { timeout: 10e3 });
        assert.deepEqual({ code, signal }, { code: expected.code, signal: expected.signal }, stderr);
        assert.match(stderr, expected.said);
      }
    });
  }

  test('with work under way in worker threads too', async () => {
    for (const after of [50, 100, 200, 300]) {
      const args = ['exit.js', 'exit', '--after', after, '--threads', 2];
      const { code, signal, stderr } = await run(args, { timeout: 10e3 });
      assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' });
    }
  });
});

test('memory stays where it is over a million puts, and as many jobs handled', async (t) => {
  const { port, server } = await beanstalkd();
  t.after(() => server.kill());
  const args = ['memory.js', `127.0.0.1:${port}`, 100_000, 11];
  const { code, stderr, stdout } = await run(args, { flags: ['--expose-gc'], timeout: 300e3 });
  assert.equal(code, 0, stderr);
  const rounds = stdout.trim().split('\n').map((line) => JSON.parse(line));
  const [warm, last] = [rounds[0], rounds.at(-1)];
  t.diagnostic(`from ${JSON.stringify(warm)} to ${JSON.stringify(last)}`);
  assertGrowth(warm, last, JOBS);
});

/** A real server: an embedded one would hold its jobs in the memory that is measured. */
async function beanstalkd() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  const server = spawn('beanstalkd', ['-l', '127.0.0.1', '-p', String(port)], { stdio: 'inherit' });
  const [error] = await Promise.race([once(server, 'error'), once(server, 'spawn')]);
  assert.equal(error, undefined, `${error}; run\n  cargo xtask setup`);
  return { port, server };
}
