'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');

const { BeanwireError, Producer } = require('..');
const {
  alive, beanstalkd, connection, consumer, freePort, producer, rejection, run, serve,
} = require('./support');

/** `once` rejects with an error. */
const firstError = (client) => new Promise((resolve) => {
  client.once('error', (...values) => resolve(values));
});

const FAST = { reconnectMax: 5, reconnectMin: 1 };

test('connect is told also to who listens a moment after', async (t) => {
  alive(t);
  const { uri } = await serve(t);
  for (const make of [producer, consumer, connection]) {
    const client = make(t, uri);
    const connected = once(client, 'connect');
    // However long the script goes on, nothing is missed.
    const end = Date.now() + 20;
    while (Date.now() < end);
    assert.deepEqual(await connected, [{ server: uri }]);
  }
});

test('connect is told once for each connection', async (t) => {
  alive(t);
  const { uri } = await serve(t);
  for (const make of [producer, connection]) {
    const client = make(t, uri);
    let connects = 0;
    client.on('connect', () => {
      connects += 1;
    });
    await client.ready();
    // All is told before it is closed.
    await client.close();
    assert.equal(connects, 1);
  }
});

test('disconnect says why, and when it is tried again', async (t) => {
  alive(t);
  const server = await serve(t);
  const mail = producer(t, server.uri, FAST);
  await mail.ready();
  const disconnected = once(mail, 'disconnect');
  const connected = once(mail, 'connect');
  server.cutAfterReceived(0);
  await mail.put('mail', 'x');
  const [{ error, retryIn, server: uri }] = await disconnected;
  assert.ok(error instanceof BeanwireError);
  assert.equal(error.code, 'DISCONNECTED');
  assert.equal(typeof retryIn, 'number');
  assert.equal(uri, server.uri);
  assert.deepEqual(await connected, [{ server: uri }]);
});

test('retry says that a put is done again', async (t) => {
  alive(t);
  const server = await serve(t);
  const mail = producer(t, server.uri, FAST);
  await mail.ready();
  const again = once(mail, 'retry');
  server.cutAfterSent(0);
  await mail.put('mail', 'x');
  const [{ error, server: uri }] = await again;
  assert.equal(error.outcome, 'unknown');
  assert.equal(uri, server.uri);
});

test('with at-most-once a put whose answer is lost is not done again', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri, { ...FAST, delivery: 'at-most-once' });
  mail.on('retry', () => assert.fail('it must not be done again'));
  await mail.ready();
  server.cutAfterSent(0);
  const error = await rejection(mail.put('mail', 'x'));
  assert.deepEqual([error.code, error.outcome], ['DISCONNECTED', 'unknown']);
  assert.equal((await connection(t, server.uri).statsTube('mail')).totalJobs, 1);
});

test('drain says that a server refuses new jobs', async (t) => {
  alive(t);
  const server = await serve(t);
  const mail = producer(t, server.uri);
  await mail.ready();
  const draining = once(mail, 'drain');
  server.drain();
  assert.equal((await rejection(mail.put('mail', 'x'))).code, 'DRAINING');
  assert.deepEqual(await draining, [{ server: server.uri }]);
});

test('error says that a connection cannot be opened', async (t) => {
  alive(t);
  const mail = producer(t, `127.0.0.1:${await freePort()}`, FAST);
  const [error, details] = await firstError(mail);
  assert.equal(error.code, 'DISCONNECTED');
  assert.equal(details.during, 'connect');
  assert.equal(typeof details.retryIn, 'number');
});

test('error says that it cannot be opened at all', async (t) => {
  alive(t);
  const mail = new Producer('x:y:z');
  const [error, details] = await firstError(mail);
  assert.equal(error.code, 'INVALID_URI');
  assert.deepEqual(details, { during: 'open' });
});

test('an error without a listener ends no process', async (t) => {
  const server = await beanstalkd(t);
  const { code, stderr, stdout } = await run(`
    const { Consumer, Producer } = require('.');
    (async () => {
      const mail = new Producer('${server.uri}');
      await mail.put('mail', 'x');
      const stop = new AbortController();
      const report = await new Consumer('${server.uri}', 'mail').receive(() => {
        stop.abort();
        throw new Error('the first of many');
      }, { signal: stop.signal });
      new Producer('x:y:z');
      const lost = new Producer('127.0.0.1:1');
      await lost.ready({ timeout: 50 }).catch(() => {});
      console.log(report.failed);
    })();
  `);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '1\n');
  // Nobody else tells that a handler has failed.
  assert.match(stderr, /BeanwireWarning: the handler of job 1 failed: the first of many/);
});

test('an exception of a listener is as with every emitter, and the client goes on', async (t) => {
  const server = await serve(t);
  const { code, stdout } = await run(`
    const { Producer } = require('.');
    process.on('uncaughtException', (error) => console.log(error.message));
    (async () => {
      const mail = new Producer('${server.uri}');
      mail.on('connect', () => {
        throw new Error('of the listener');
      });
      await mail.put('mail', 'x');
      await new Promise(setImmediate);
      await mail.put('mail', 'y');
      await mail.close();
      console.log('closed');
    })();
  `);
  assert.deepEqual([code, stdout], [0, 'of the listener\nclosed\n']);
});
