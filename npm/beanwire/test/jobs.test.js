'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { Job } = require('..');
const {
  abortListeners, connection, consumer, onBoth, producer, rejection, serve,
} = require('./support');

onBoth('for await gives the jobs one by one', async (t, uri) => {
  const mail = producer(t, uri);
  await mail.putMany(Array.from({ length: 50 }, (_, n) => ({ body: String(n), tube: 'mail' })));
  const seen = [];
  for await (const job of consumer(t, uri, 'mail')) {
    assert.ok(job instanceof Job);
    seen.push(Number(job.text()));
    await job.delete();
    if (seen.length === 50) {
      break;
    }
  }
  assert.deepEqual(seen, Array.from({ length: 50 }, (_, n) => n));
});

test('one is reserved when it is asked for, and none before', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).putMany([{ body: 'x', tube: 'mail' }, { body: 'y', tube: 'mail' }]);
  const direct = connection(t, uri);
  const jobs = consumer(t, uri, 'mail').jobs();
  assert.equal((await direct.statsTube('mail')).currentJobsReserved, 0);
  const { value } = await jobs.next();
  assert.equal((await direct.statsTube('mail')).currentJobsReserved, 1);
  await value.delete();
  await jobs.return();
});

test('leaving the loop gives back what was reserved ahead', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).putMany(Array.from({ length: 10 }, () => ({ body: 'x', tube: 'mail' })));
  const direct = connection(t, uri);
  for await (const job of consumer(t, uri, 'mail', { prefetch: 5 })) {
    while ((await direct.statsTube('mail')).currentJobsReserved < 2) {
      await new Promise(setImmediate);
    }
    await job.delete();
    break;
  }
  for (;;) {
    const { currentJobsReady, currentJobsReserved } = await direct.statsTube('mail');
    if (currentJobsReserved === 0) {
      assert.equal(currentJobsReady, 9);
      break;
    }
  }
});

test('calls of next wait for each other, and return ends those that wait', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  const jobs = consumer(t, uri, 'mail').jobs();
  const calls = [jobs.next(), jobs.next(), jobs.next(), jobs.next()];
  await mail.put('mail', '1');
  await mail.put('mail', '2');
  const first = await calls[0];
  const second = await calls[1];
  assert.deepEqual([first.value.text(), second.value.text()], ['1', '2']);
  assert.deepEqual(await jobs.return(), { done: true, value: undefined });
  assert.deepEqual(await Promise.all(calls.slice(2)), Array(2).fill({ done: true, value: undefined }));
  assert.deepEqual(await jobs.next(), { done: true, value: undefined });
  assert.deepEqual(await jobs.return(), { done: true, value: undefined });
  // What was handed out stays so.
  await Promise.all([first.value.delete(), second.value.delete()]);
});

test('a signal ends the loop, whether it waits or works, and takes its listener with it', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  const work = consumer(t, uri, 'mail');
  const stop = new AbortController();
  await mail.put('mail', 'x');
  const seen = [];
  for await (const job of work.jobs({ signal: stop.signal })) {
    seen.push(job.text());
    await job.delete();
    setImmediate(() => stop.abort());
  }
  assert.deepEqual(seen, ['x']);
  assert.equal(abortListeners(stop.signal), 0);
  assert.deepEqual(await work.jobs({ signal: stop.signal }).next(), { done: true, value: undefined });
});

test('a signal ends it while the consumer is being opened', async (t) => {
  const { uri } = await serve(t);
  const stop = new AbortController();
  const next = consumer(t, uri, 'mail').jobs({ signal: stop.signal }).next();
  stop.abort();
  assert.deepEqual(await next, { done: true, value: undefined });
});

test('a close of the consumer ends it', async (t) => {
  const { uri } = await serve(t);
  const work = consumer(t, uri, 'mail');
  const [early, late] = [work.jobs(), work.jobs()];
  const waiting = early.next();
  await work.ready();
  const alsoWaiting = late.next();
  await work.close();
  assert.equal((await waiting).done, true);
  assert.equal((await alsoWaiting).done, true);
});

test('why it could not be opened is what it throws', async (t) => {
  const jobs = consumer(t, 'x:y:z', 'mail').jobs();
  const error = await rejection(jobs.next());
  assert.equal(error.code, 'INVALID_URI');
  assert.deepEqual(await jobs.next(), { done: true, value: undefined });
});

test('an exception in the loop leaves it, and the job is its owner\'s', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'x');
  const work = consumer(t, uri, 'mail');
  let job;
  await assert.rejects(async () => {
    for await (job of work) {
      throw new Error('mine');
    }
  }, /mine/);
  assert.equal(job.isFinished, false);
  await job.delete();
});

test('it may be used next to receive', async (t) => {
  const { uri } = await serve(t);
  const work = consumer(t, uri, 'mail', { concurrency: 1 });
  await producer(t, uri).putMany(Array.from({ length: 20 }, () => ({ body: 'x', tube: 'mail' })));
  const stop = new AbortController();
  let handled = 0;
  let pulled = 0;
  const count = () => {
    if (handled + pulled === 20) {
      stop.abort();
    }
  };
  const receiving = work.receive(async (job) => {
    await job.delete();
    handled += 1;
    count();
  }, { signal: stop.signal });
  for await (const job of work.jobs({ signal: stop.signal })) {
    await job.delete();
    pulled += 1;
    count();
  }
  await receiving;
  assert.equal(handled + pulled, 20);
});
