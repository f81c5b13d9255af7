'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { inspect } = require('node:util');

const { BeanwireError } = require('..');
const {
  alive, connection, consumer, onBoth, producer, rejection, serve,
} = require('./support');

/** One job that was put and reserved. */
async function reserved(t, uri, body = 'x', options = {}) {
  const { id } = await producer(t, uri).put('mail', body, options);
  const { value: job } = await consumer(t, uri, 'mail', { failure: { delay: 33 } }).jobs().next();
  const direct = connection(t, uri);
  await direct.ready();
  return { direct, id, job };
}

onBoth('a job tells what it is', async (t, uri) => {
  const before = Date.now();
  const { id, job } = await reserved(t, uri, '{"to": "Bo"}');
  assert.equal(job.id, id);
  assert.equal(job.server, uri);
  assert.ok(Buffer.isBuffer(job.body));
  assert.equal(job.body.toString(), '{"to": "Bo"}');
  assert.equal(job.body, job.body);
  assert.equal(job.text(), '{"to": "Bo"}');
  assert.deepEqual(job.json(), { to: 'Bo' });
  assert.equal(job.data, job.body);
  assert.ok(job.reservedAt instanceof Date);
  assert.ok(job.reservedAt >= before - 1 && job.reservedAt <= Date.now());
  assert.equal(job.isFinished, false);
  assert.equal(job.isLost, false);
  assert.match(inspect(job), /^Job \{ \d+ of beanstalk:.*, 12 bytes \}$/);
  await job.delete();
  assert.match(inspect(job), /finished/);
});

onBoth('delete removes it', async (t, uri) => {
  const { direct, id, job } = await reserved(t, uri);
  assert.equal(await job.delete(), undefined);
  assert.equal(job.isFinished, true);
  await assert.rejects(direct.statsJob(id), { code: 'NOT_FOUND' });
});

onBoth('release gives it back with its own priority, or as told', async (t, uri) => {
  const { direct, id, job } = await reserved(t, uri, 'x', { priority: 7 });
  await job.release();
  const { priority, state } = await direct.statsJob(id);
  assert.deepEqual([priority, state], [7, 'ready']);
  await direct.watch('mail');
  const again = await direct.reserve();
  await again.release({ delay: 0.5, priority: 9 });
  const later = await direct.statsJob(id);
  assert.deepEqual([later.delay, later.priority, later.state], [1, 9, 'delayed']);
});

onBoth('bury sets it aside with its own priority, or as told', async (t, uri) => {
  const { direct, id, job } = await reserved(t, uri, 'x', { priority: 7 });
  await job.bury();
  const { priority, state } = await direct.statsJob(id);
  assert.deepEqual([priority, state], [7, 'buried']);
  await direct.kickJob(id);
  await (await direct.reserveJob(id)).bury({ priority: 0 });
  assert.equal((await direct.statsJob(id)).priority, 0);
});

onBoth('fail asks the failure policy', async (t, uri) => {
  const { direct, id, job } = await reserved(t, uri);
  await job.fail();
  const { delay, state } = await direct.statsJob(id);
  assert.deepEqual([delay, state], [33, 'delayed']);
});

onBoth('stats tells all that the server knows', async (t, uri) => {
  const { id, job } = await reserved(t, uri, 'x', { priority: 5, ttr: 100 });
  const { age, timeLeft, ...stats } = await job.stats();
  assert.ok(age >= 0 && timeLeft > 90 && timeLeft <= 100);
  assert.deepEqual(stats, {
    buries: 0, delay: 0, file: 0, id, kicks: 0, other: {}, priority: 5, releases: 0, reserves: 1,
    state: 'reserved', timeouts: 0, ttr: 100, tube: 'mail',
  });
});

onBoth('touch starts the TTR anew, and touchAfter tells when to', async (t, uri) => {
  const { job } = await reserved(t, uri, 'x', { ttr: 100 });
  const after = await job.touchAfter();
  assert.ok(after > 10_000 && after <= 100_000, String(after));
  assert.equal(await job.touch(), undefined);
});

test('a lost reservation is known to its job', async (t) => {
  const server = await serve(t);
  const { id, job } = await reserved(t, server.uri);
  const { signal } = job;
  assert.equal(job.signal, signal);
  assert.equal(signal.aborted, false);
  server.cutAfterReceived(0);
  const error = await rejection(job.touch());
  assert.ok(['DISCONNECTED', 'JOB_LOST'].includes(error.code), error.code);
  if (!signal.aborted) {
    await once(signal, 'abort');
  }
  assert.ok(signal.reason instanceof BeanwireError);
  assert.equal(signal.reason.code, 'JOB_LOST');
  assert.match(signal.reason.message, new RegExp(`job ${id} `));
  assert.equal(job.isLost, true);
  assert.match(inspect(job), /lost/);
  for (const call of [() => job.touch(), () => job.stats(), () => job.delete()]) {
    assert.equal((await rejection(call())).code, 'JOB_LOST');
  }
});

test('a signal that is asked for when all is lost has aborted', async (t) => {
  const server = await serve(t);
  const { job } = await reserved(t, server.uri);
  server.cutAfterReceived(0);
  await rejection(job.touch());
  assert.equal((await rejection(job.stats())).code, 'JOB_LOST');
  assert.equal(job.isLost, true);
  assert.equal(job.signal.aborted, true);
});

test('isLost is true as soon as it can be known, without a signal', async (t) => {
  const server = await serve(t);
  const work = consumer(t, server.uri, 'mail');
  await producer(t, server.uri).put('mail', 'x');
  const { value: job } = await work.jobs().next();
  const lost = once(work, 'lost');
  alive(t);
  server.cutAfterReceived(0);
  await rejection(job.touch());
  await lost;
  assert.equal(job.isLost, true);
});

test('the signal of a finished job stays silent', async (t) => {
  const server = await serve(t);
  const work = consumer(t, server.uri, 'mail');
  await producer(t, server.uri).put('mail', 'x');
  const { value: job } = await work.jobs().next();
  const { signal } = job;
  await job.delete();
  await work.close();
  await server.close();
  assert.equal(signal.aborted, false);
  assert.equal(job.isLost, false);
  assert.equal(job.signal, signal);
});

test('a call that finishes it is done also if nobody waits for it any more', async (t) => {
  const server = await serve(t);
  const { direct, id, job } = await reserved(t, server.uri);
  const stop = new AbortController();
  const deleting = rejection(job.delete({ signal: stop.signal }));
  stop.abort('enough');
  assert.equal(await deleting, 'enough');
  assert.equal(job.isFinished, true);
  while (await direct.peek(id).then(() => true, () => false)) {
    await new Promise(setImmediate);
  }
});

test('without an answer a call ends after its timeout', async (t) => {
  const server = await serve(t);
  const { job } = await reserved(t, server.uri);
  server.delayReplies(Infinity);
  for (const call of [
    () => job.touch({ timeout: 5 }), () => job.stats({ timeout: 5 }), () => job.delete({ timeout: 5 }),
  ]) {
    const error = await rejection(call());
    assert.deepEqual([error.code, error.outcome], ['TIMEOUT', 'unknown']);
    assert.match(error.message, /within 5 ms/);
  }
  assert.equal(job.isFinished, true);
});

test('jobs of a closed consumer are gone', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'x');
  const work = consumer(t, uri, 'mail');
  const { value: job } = await work.jobs().next();
  assert.deepEqual(await work.close({ force: true }), { abandonedJobs: 1, abandonedOperations: 0 });
  for (const call of [() => job.touch(), () => job.stats(), () => job.delete()]) {
    assert.match((await rejection(call())).code, /CLOSED|JOB_LOST/);
  }
});
