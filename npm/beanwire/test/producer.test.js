'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { BeanwireError, Producer } = require('..');
const {
  alive, connection, freePort, onBoth, producer, rejection, scripted, serve,
} = require('./support');

onBoth('a put tells the id, the server and the state', async (t, uri) => {
  const mail = producer(t, uri);
  const first = await mail.put('mail', 'hello');
  assert.equal(typeof first.id, 'bigint');
  assert.deepEqual(first, { id: first.id, server: uri, state: 'ready' });
  const second = await mail.put('mail', 'later', { delay: 60 });
  assert.equal(second.state, 'delayed');
  assert.equal(second.id, first.id + 1n);
});

onBoth('a put has the defaults of the protocol, and what it is told', async (t, uri) => {
  const mail = producer(t, uri);
  const direct = connection(t, uri);
  const plain = await direct.statsJob((await mail.put('mail', 'hello')).id);
  assert.equal(plain.tube, 'mail');
  assert.deepEqual([plain.priority, plain.delay, plain.ttr], [1024, 0, 60]);
  const { id } = await mail.put('mail', 'hello', { delay: 0.2, priority: 0, ttr: 0.001 });
  const told = await direct.statsJob(id);
  // Fractions are rounded up, and never to nothing.
  assert.deepEqual([told.priority, told.delay, told.ttr], [0, 1, 1]);
});

onBoth('what was put is deleted by what the put gave', async (t, uri) => {
  const mail = producer(t, uri);
  const job = await mail.put('mail', 'hello');
  await mail.delete(job);
  const error = await rejection(mail.delete({ id: Number(job.id), server: job.server }));
  assert.equal(error.code, 'NOT_FOUND');
  assert.equal(error.outcome, 'rejected');
});

test('a delete on a server of somebody else is a RangeError', async (t) => {
  const server = await serve(t);
  const error = await rejection(producer(t, server.uri).delete({ id: 1n, server: 'beanstalk://x:1' }));
  assert.ok(error instanceof RangeError);
  assert.match(error.message, /ref\.server: "beanstalk:\/\/x:1"/);
});

test('ready() waits for the first connection, and isConnected and health() tell', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  assert.equal(mail.isConnected, false);
  assert.deepEqual(mail.health(), { servers: [], waiting: 0 });
  await mail.ready();
  assert.equal(mail.isConnected, true);
  const { servers: [health] } = mail.health();
  assert.equal(health.server, server.uri);
  assert.equal(health.maxJobSize, 65535);
  assert.equal(health.draining, false);
  assert.deepEqual(health.connections, [{ held: 0, pending: 0, state: 'up', waiting: false }]);
});

test('ready() rejects after its timeout with the reason', async (t) => {
  const mail = producer(t, `127.0.0.1:${await freePort()}`);
  alive(t);
  await new Promise((resolve) => {
    mail.once('error', resolve);
  });
  const error = await rejection(mail.ready({ timeout: 10 }));
  assert.equal(error.code, 'DISCONNECTED');
  assert.ok(error.cause instanceof Error);
});

test('what opening fails with is what every call rejects with', async () => {
  const mail = new Producer('http://127.0.0.1');
  const calls = [
    mail.ready(), mail.put('mail', 'hello'), mail.putMany([{ body: 'x', tube: 'mail' }]),
    mail.delete({ id: 1n, server: 'x' }), mail.put('mail', 'later'),
  ];
  for (const error of await Promise.all(calls.map(rejection))) {
    assert.ok(error instanceof BeanwireError);
    assert.equal(error.code, 'INVALID_URI');
    assert.equal(error.outcome, 'not-sent');
    assert.match(error.message, /http:\/\/127\.0\.0\.1/);
  }
  assert.equal((await rejection(mail.put('mail', 'again'))).code, 'INVALID_URI');
  assert.equal(mail.isConnected, false);
  assert.deepEqual(await mail.close(), { abandonedJobs: 0, abandonedOperations: 0 });
});

test('a host that does not exist is what calls reject with, unless names may come up later', async (t) => {
  const uri = 'no-such-host.invalid';
  assert.equal((await rejection(producer(t, uri).put('mail', 'x'))).code, 'INVALID_URI');
  const patient = producer(t, uri, { validateUris: false });
  assert.equal((await rejection(patient.put('mail', 'x', { timeout: 20 }))).outcome, 'not-sent');
});

test('close() may be called again, and everything rejects afterwards', async (t) => {
  const server = await serve(t);
  const mail = new Producer(server.uri);
  await mail.put('mail', 'hello');
  const reports = await Promise.all([mail.close(), mail.close({ timeout: 0 }), mail.close({ force: true })]);
  for (const report of [...reports, await mail.close()]) {
    assert.deepEqual(report, { abandonedJobs: 0, abandonedOperations: 0 });
  }
  const calls = [mail.put('mail', 'x'), mail.ready(), mail.delete({ id: 1n, server: server.uri })];
  for (const error of await Promise.all(calls.map(rejection))) {
    assert.equal(error.code, 'CLOSED');
    assert.equal(error.outcome, 'not-sent');
    assert.equal(error.retryable, false);
  }
  assert.equal(mail.isConnected, false);
  assert.equal(mail.health().servers[0].server, server.uri);
});

test('close() waits for puts that are under way', async (t) => {
  const server = await serve(t);
  const mail = new Producer(server.uri);
  await mail.ready();
  const puts = Array.from({ length: 100 }, (_, n) => mail.put('mail', String(n)));
  assert.deepEqual(await mail.close(), { abandonedJobs: 0, abandonedOperations: 0 });
  assert.equal((await Promise.all(puts)).length, 100);
});

test('close() without patience ends them, and says how many', async (t) => {
  const server = await serve(t);
  const mail = new Producer(server.uri);
  await mail.ready();
  server.delayReplies(Infinity);
  const put = rejection(mail.put('mail', 'x'));
  await new Promise(setImmediate);
  const report = await mail.close({ force: true });
  assert.equal(report.abandonedOperations, 1);
  const error = await put;
  assert.equal(error.code, 'CLOSED');
  assert.equal(error.outcome, 'unknown');
});

test('close() before it is open ends what waits for that', async () => {
  const mail = new Producer('127.0.0.1:1');
  const put = rejection(mail.put('mail', 'x'));
  await mail.close();
  assert.equal((await put).code, 'CLOSED');
  assert.equal((await rejection(mail.ready())).code, 'CLOSED');
});

test('await using closes', { skip: Symbol.asyncDispose === undefined }, async (t) => {
  const server = await serve(t);
  const mail = new Producer(server.uri);
  await mail.put('mail', 'hello');
  await mail[Symbol.asyncDispose]();
  assert.equal((await rejection(mail.put('mail', 'x'))).code, 'CLOSED');
});

onBoth('10,000 puts at once all get their own id', async (t, uri) => {
  const mail = producer(t, [uri, uri], { multiply: 2 });
  const puts = Array.from({ length: 10_000 }, (_, n) => mail.put('mail', String(n)));
  const ids = new Set((await Promise.all(puts)).map(({ id }) => id));
  assert.equal(ids.size, 10_000);
});

test('a timeout of one put is its own', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  await mail.ready();
  server.delayReplies(Infinity);
  const error = await rejection(mail.put('mail', 'x', { timeout: 20 }));
  assert.equal(error.code, 'TIMEOUT');
  assert.equal(error.outcome, 'unknown');
  assert.equal(error.retryable, true);
});

test('a put with a timeout of 0 fails at once without a connection', async (t) => {
  const mail = producer(t, `127.0.0.1:${await freePort()}`);
  const error = await rejection(mail.put('mail', 'x', { timeout: 0 }));
  assert.equal(error.outcome, 'not-sent');
});

test('two servers share the puts, and a delete finds the right one', async (t) => {
  const [one, two] = [await serve(t), await serve(t)];
  const mail = producer(t, [one.uri, two.uri]);
  const isUp = ({ connections }) => connections.some(({ state }) => state === 'up');
  // `ready` waits for one of them.
  await mail.ready();
  while (!mail.health().servers.every(isUp)) {
    await new Promise(setImmediate);
  }
  const jobs = await Promise.all(Array.from({ length: 50 }, () => mail.put('mail', 'x')));
  assert.deepEqual(new Set(jobs.map(({ server }) => server)), new Set([one.uri, two.uri]));
  await Promise.all(jobs.map((job) => mail.delete(job)));
});

for (const [end, timeout] of [['is given up', undefined], ['has waited too long', 20]]) {
  test(`a put that waited behind one that ${end} is sent if there is room`, async (t) => {
    // No put is answered before the last one is there.
    const uri = await scripted(t, (line, body, reply) => {
      if (line.startsWith('use ')) {
        reply(`USING ${line.slice(4)}\r\n`);
      } else if (body.toString() === 'last') {
        reply('INSERTED 1\r\nINSERTED 2\r\n');
      }
    });
    const mail = producer(t, uri, { maxPendingBytes: 4096 });
    await mail.ready();
    const first = mail.put('mail', Buffer.alloc(2000));
    const stop = new AbortController();
    const { signal } = stop;
    const ended = rejection(mail.put('mail', Buffer.alloc(3000), { signal, timeout }));
    const last = mail.put('mail', 'last');
    if (timeout === undefined) {
      stop.abort();
    }
    await ended;
    assert.deepEqual((await Promise.all([first, last])).map(({ id }) => id), [1n, 2n]);
  });
}
