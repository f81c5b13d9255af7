'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');

const {
  beanstalkd, connection, consumer, deferred, freePort, producer, rejection, serve,
} = require('./support');

const FAST = { reconnectMax: 20, reconnectMin: 1 };

test('puts wait for a server that is killed and started again', async (t) => {
  const server = await beanstalkd(t);
  const mail = producer(t, server.uri, FAST);
  await mail.put('mail', 'before');
  const lost = once(mail, 'disconnect');
  await server.kill();
  const puts = Array.from({ length: 100 }, (_, n) => mail.put('mail', String(n)));
  await lost;
  await server.start();
  assert.equal((await Promise.all(puts)).length, 100);
});

test('a put in the middle of a kill is done again, or has an unknown outcome', async (t) => {
  const server = await beanstalkd(t);
  const mail = producer(t, server.uri, { ...FAST, delivery: 'at-most-once' });
  await mail.ready();
  const puts = Array.from({ length: 2000 }, (_, n) => mail.put('mail', String(n), { timeout: 5000 }));
  const settling = Promise.allSettled(puts);
  await puts[0];
  await server.kill();
  await server.start();
  const results = await settling;
  for (const { reason, status } of results) {
    if (status === 'rejected') {
      assert.equal(reason.outcome, 'unknown');
      assert.match(reason.code, /DISCONNECTED|TIMEOUT/);
    }
  }
});

test('workers go on with a server that is killed and started again', async (t) => {
  const server = await beanstalkd(t);
  const work = consumer(t, server.uri, 'mail', FAST);
  const mail = producer(t, server.uri, FAST);
  const stop = new AbortController();
  const [first, second] = [deferred(), deferred()];
  const receiving = work.receive(async (job) => {
    const text = job.text();
    if (text === 'first') {
      first.resolve(job);
      await once(job.signal, 'abort');
      return;
    }
    await job.delete();
    second.resolve(text);
    stop.abort();
  }, { signal: stop.signal });
  await mail.put('mail', 'first');
  const job = await first.promise;
  await server.kill();
  await server.start();
  // It keeps no jobs, so the first one is gone.
  await mail.put('mail', 'second');
  assert.equal(await second.promise, 'second');
  await receiving;
  assert.equal(job.isLost || job.isFinished, true);
});

test('with two servers the other one takes over', async (t) => {
  const [one, two] = [await beanstalkd(t), await beanstalkd(t)];
  const mail = producer(t, [one.uri, two.uri], FAST);
  await Promise.all(Array.from({ length: 10 }, () => mail.put('mail', 'x')));
  await one.kill();
  const jobs = await Promise.all(Array.from({ length: 10 }, () => mail.put('mail', 'x')));
  assert.ok(jobs.some(({ server }) => server === two.uri));
  const { servers } = mail.health();
  assert.equal(servers.length, 2);
});

test('a server that starts after its clients is found', async (t) => {
  const port = await freePort();
  const uri = `127.0.0.1:${port}`;
  const mail = producer(t, uri, FAST);
  const put = mail.put('mail', 'x');
  await rejection(mail.ready({ timeout: 20 }));
  await serve(t, { port });
  assert.equal((await put).state, 'ready');
});

test('a server that falls silent is noticed', async (t) => {
  const server = await serve(t);
  const direct = connection(t, server.uri, { commandTimeout: 20 });
  await direct.ready();
  server.delayReplies(Infinity);
  const error = await rejection(direct.listTubes());
  assert.deepEqual([error.code, error.outcome], ['TIMEOUT', 'unknown']);
});

test('a server that refuses connections is tried again', async (t) => {
  const server = await serve(t);
  server.refuseConnections(true);
  const mail = producer(t, server.uri, FAST);
  const error = await rejection(mail.put('mail', 'x', { timeout: 50 }));
  assert.equal(error.outcome, 'not-sent');
  server.refuseConnections(false);
  assert.equal((await mail.put('mail', 'x')).state, 'ready');
});
