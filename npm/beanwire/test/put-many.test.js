'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');

const { BeanwireError } = require('..');
const { abortListeners, connection, onBoth, producer, rejection, serve } = require('./support');

onBoth('each job has its own result, in the order of the jobs', async (t, uri) => {
  const mail = producer(t, uri);
  const results = await mail.putMany([
    { body: 'one', tube: 'mail' },
    { body: Buffer.alloc(70_000), tube: 'mail' },
    { body: 'two', delay: 5, priority: 7, tube: 'other', ttr: 9 },
    { body: 'three', tube: 'no such name' },
    { body: 4, tube: 'mail' },
    { body: 'five', prio: 1, tube: 'mail' },
    { body: 'six', priority: -1, tube: 'mail' },
    { body: 'seven', tube: 'mail' },
    null,
  ]);
  const shown = results.map(({ error, state }) => error?.code ?? state);
  assert.deepEqual(shown, [
    'ready', 'JOB_TOO_BIG', 'delayed', 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'INVALID_ARGUMENT',
    'INVALID_ARGUMENT', 'ready', 'INVALID_ARGUMENT',
  ]);
  assert.ok(results[1].error instanceof BeanwireError);
  assert.ok(results[3].error instanceof RangeError);
  assert.ok(results[4].error instanceof TypeError);
  assert.match(results[5].error.message, /^prio: no such option; there are tube, body, priority/);
  assert.ok(results[6].error instanceof RangeError);
  assert.deepEqual(Object.keys(results[0]).sort(), ['id', 'server', 'state']);
  assert.deepEqual(Object.keys(results[1]), ['error']);
  const direct = connection(t, uri);
  const { priority, tube, ttr } = await direct.statsJob(results[2].id);
  assert.deepEqual([priority, tube, ttr], [7, 'other', 9]);
  assert.equal((await direct.peek(results[7].id)).body.toString(), 'seven');
});

onBoth('more jobs than are under way at once keep their order', async (t, uri) => {
  const mail = producer(t, uri);
  const count = 20_000;
  function* jobs() {
    for (let n = 0; n < count; n += 1) {
      yield { body: String(n), tube: 'mail' };
    }
  }
  const results = await mail.putMany(jobs());
  assert.equal(results.length, count);
  const direct = connection(t, uri);
  for (const n of [0, 4095, 4096, count - 1]) {
    assert.equal((await direct.peek(results[n].id)).body.toString(), String(n));
  }
});

test('no jobs are no results', async (t) => {
  const mail = producer(t, (await serve(t)).uri);
  assert.deepEqual(await mail.putMany([]), []);
  assert.deepEqual(await mail.putMany(new Set()), []);
});

test('what is no iterable of jobs rejects the call', async (t) => {
  const mail = producer(t, (await serve(t)).uri);
  for (const jobs of [undefined, null, 1, {}, 'abc']) {
    const error = await rejection(mail.putMany(jobs));
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /^jobs: expected an array/);
  }
});

test('what the iterable throws is what the call rejects with, and what was put stays', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  function* jobs() {
    yield { body: 'one', tube: 'mail' };
    throw new Error('no more');
  }
  assert.equal((await rejection(mail.putMany(jobs()))).message, 'no more');
  assert.equal((await mail.putMany([{ body: 'two', tube: 'mail' }])).length, 1);
});

/** A program that takes a job and says which. */
const RECEIVE = `
const [, package, uri] = process.argv;
const { Connection } = require(package);
(async () => {
  const connection = new Connection(uri);
  await connection.watch('mail');
  const job = await connection.reserve({ timeout: 20_000 });
  console.log(String(job.body));
  await job.delete();
  await connection.close();
})();
`;

test('the server begins while the iterable still goes on', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  await mail.ready();
  let received;
  function* jobs() {
    for (let n = 0; n < 300; n += 1) {
      yield { body: `job ${n}`, tube: 'mail' };
    }
    // Nothing else runs in this thread meanwhile.
    received = execFileSync(process.execPath, ['-e', RECEIVE, require.resolve('..'), uri]);
  }
  const results = await mail.putMany(jobs());
  assert.equal(String(received), 'job 0\n');
  assert.ok(results.every(({ id }) => typeof id === 'bigint'));
});

test('a signal gives them all up, and takes its listener with it', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  await mail.ready();
  server.delayReplies(Infinity);
  const stop = new AbortController();
  const jobs = Array.from({ length: 10_000 }, () => ({ body: 'x', tube: 'mail' }));
  const call = rejection(mail.putMany(jobs, { signal: stop.signal }));
  await new Promise(setImmediate);
  stop.abort('enough');
  assert.equal(await call, 'enough');
  assert.equal(abortListeners(stop.signal), 0);
  assert.equal(await rejection(mail.putMany([], { signal: stop.signal })), 'enough');
});

// Fewer jobs than are under way at once, and more.
for (const [before, after] of [[40, 300], [5000, 1]]) {
  test(`a job whose iterable has aborted the signal is not put (${before} before it)`, async (t) => {
    const server = await serve(t);
    const mail = producer(t, server.uri);
    await mail.ready();
    const stop = new AbortController();
    function* jobs() {
      for (let n = 0; n < before; n += 1) {
        yield { body: 'x', tube: 'mail' };
      }
      stop.abort('enough');
      for (let n = 0; n < after; n += 1) {
        yield { body: 'x', tube: 'too-late' };
      }
    }
    assert.equal(await rejection(mail.putMany(jobs(), { signal: stop.signal })), 'enough');
    await mail.put('mail', 'x');
    assert.ok(!(await connection(t, server.uri).listTubes()).includes('too-late'));
  });
}

test('a timeout is that of each put', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  await mail.ready();
  server.delayReplies(Infinity);
  const results = await mail.putMany([{ body: 'x', tube: 'mail' }], { timeout: 20 });
  assert.equal(results[0].error.code, 'TIMEOUT');
  assert.equal(results[0].error.outcome, 'unknown');
});

test('a close amid them ends those that have no answer, and rejects none', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  await mail.ready();
  server.delayReplies(Infinity);
  const call = mail.putMany(Array.from({ length: 5000 }, () => ({ body: 'x', tube: 'mail' })));
  await new Promise(setImmediate);
  await mail.close({ force: true });
  const codes = new Set((await call).map(({ error }) => error?.code));
  assert.deepEqual(codes, new Set(['CLOSED']));
});
