'use strict';

// What the package does with sockets and with the time of its thread.

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { MessageChannel, Worker } = require('node:worker_threads');

const { beanstalkd, connection, consumer, producer, serve } = require('./support');

const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => (
  fs.readFileSync(path.join(__dirname, 'tls', `${name}.pem`))
));

const MIB = 2 ** 20;

for (const [name, secrets] of [['plain', {}], ['encrypted', { cert, key }]]) {
  test(`bodies that are larger than all buffers arrive as they went (${name})`, async (t) => {
    const { uri } = await serve(t, { maxJobSize: 8 * MIB, ...secrets });
    const options = name === 'plain' ? {} : { tls: { ca } };
    const bodies = [0, 1, 2, 3].map((n) => randomBytes(2 * MIB + n));
    const mail = producer(t, uri, options);
    const jobs = await Promise.all(bodies.map((body) => mail.put('mail', body)));
    const found = new Map();
    for await (const job of consumer(t, uri, 'mail', options)) {
      found.set(job.id, job.body);
      await job.delete();
      if (found.size === bodies.length) {
        break;
      }
    }
    assert.ok(jobs.every(({ id }, at) => found.get(id).equals(bodies[at])));
  });
}

test('bodies of jobs that come together are each for themselves', async (t) => {
  const { uri } = await serve(t);
  const texts = Array.from({ length: 500 }, (_, n) => `${n} `.repeat(100));
  await producer(t, uri).putMany(texts.map((body) => ({ body, tube: 'mail' })));
  const work = consumer(t, uri, 'mail', { concurrency: 100 });
  const jobs = [];
  const stop = new AbortController();
  await work.receive(async (job) => {
    job.body.fill('x', 0, 1);
    jobs.push(job);
    await job.delete();
    if (jobs.length === texts.length) {
      stop.abort();
    }
  }, { signal: stop.signal });
  const found = jobs.map((job) => job.text()).sort();
  assert.deepEqual(found, texts.map((text) => `x${text.slice(1)}`).sort());
});

test('to transfer a body leaves those of other jobs as they were', async (t) => {
  const direct = connection(t, (await serve(t)).uri);
  for (const body of ['one', 'two', 'three']) {
    await direct.put('default', body);
  }
  const [one, two] = [await direct.reserve(), await direct.reserve()];
  const { port1 } = new MessageChannel();
  t.after(() => port1.close());
  try {
    port1.postMessage(one.body, [one.body.buffer]);
  } catch (error) {
    // Before Node.js 21 it is copied instead.
    assert.equal(error.name, 'DataCloneError');
  }
  const three = await direct.reserve();
  assert.deepEqual([one, two, three].map((job) => job.text()), ['one', 'two', 'three']);
});

test('a reply that came in during a long computation is not taken for late', async (t) => {
  // It answers by itself, whatever this thread does.
  const { uri } = await beanstalkd(t);
  const mail = producer(t, uri, { commandTimeout: 100, putTimeout: 100 });
  await mail.ready();
  const put = mail.put('mail', 'x');
  await new Promise(process.nextTick);
  const end = Date.now() + 500;
  while (Date.now() < end);
  assert.equal((await put).state, 'ready');
});

test('an answer that came in before a write failed counts', async (t) => {
  const isReset = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(path.join(__dirname, 'broken.js'), { workerData: isReset });
  t.after(() => worker.terminate());
  const [port] = await once(worker, 'message');
  const mail = producer(t, `127.0.0.1:${port}`);
  await mail.ready();
  const first = mail.put('mail', 'body one');
  await new Promise(process.nextTick);
  // The answer lies in the socket's buffer, behind it the reset, when the next put is written.
  assert.notEqual(Atomics.wait(isReset, 0, 0, 10_000), 'timed-out');
  const second = mail.put('mail', 'body two');
  const ids = (await Promise.all([first, second])).map(({ id }) => id);
  assert.deepEqual(ids, [1n, 2n]);
});

test('every address of a name is tried', async (t) => {
  // The server is at one of them only.
  const { uri } = await serve(t, { host: '127.0.0.1' });
  const name = uri.replace('127.0.0.1', 'localhost');
  assert.equal((await producer(t, name).put('mail', 'x')).server, name);
});

test('more names of tubes than are remembered are no matter', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  const tubes = Array.from({ length: 1500 }, (_, n) => `tube-${n}`);
  await Promise.all(tubes.map((tube) => mail.put(tube, tube)));
  const [first, last] = [tubes[0], tubes.at(-1)];
  for await (const job of consumer(t, uri, [first, last])) {
    const { tube } = await job.stats();
    assert.equal(job.text(), tube);
    await job.delete();
    if (tube === last) {
      break;
    }
  }
});

test('two clients that submit in turns do not get into each other', async (t) => {
  const [one, two] = [await serve(t), await serve(t)];
  const [first, second] = [producer(t, one.uri), producer(t, two.uri)];
  await Promise.all([first.ready(), second.ready()]);
  const puts = Array.from({ length: 1000 }, (_, n) => (
    [first.put('mail', `first ${n}`), second.put('mail', `second ${n}`)])).flat();
  const servers = (await Promise.all(puts)).map(({ server }) => server);
  assert.ok(servers.every((server, at) => server === (at % 2 === 0 ? one.uri : two.uri)));
  for await (const job of consumer(t, two.uri, 'mail')) {
    assert.match(job.text(), /^second /);
    await job.delete();
    break;
  }
});
