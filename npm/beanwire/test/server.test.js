'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { startServer } = require('..');
const { connection, consumer, freePort, producer, rejection, serve } = require('./support');

test('it listens where it is told to', async (t) => {
  const port = await freePort();
  const { uri } = await serve(t, { host: '127.0.0.1', port });
  assert.equal(uri, `beanstalk://127.0.0.1:${port}`);
  assert.equal((await producer(t, uri).put('mail', 'x')).server, uri);
});

test('it listens on a unix socket', { skip: process.platform === 'win32' }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beanwire-'));
  t.after(() => fs.rmSync(dir, { force: true, recursive: true }));
  const file = path.join(dir, 'queue.sock');
  const { uri } = await serve(t, { path: file });
  assert.equal(uri, `unix://${file}`);
  assert.equal((await producer(t, uri).put('mail', 'x')).server, uri);
});

test('it says why it cannot listen', async (t) => {
  const { uri } = await serve(t);
  const error = await rejection(startServer({ port: Number(uri.split(':').pop()) }));
  assert.equal(error.code, 'UNSUPPORTED');
  assert.match(error.message, /in use/);
});

test('its clock is pushed, stopped and set going', async (t) => {
  const server = await serve(t);
  const direct = connection(t, server.uri);
  server.freeze();
  const { id } = await direct.put('mail', 'x', { delay: 3600 });
  server.advance(3599.5);
  assert.equal((await direct.statsJob(id)).state, 'delayed');
  server.advance(0.5);
  assert.equal((await direct.statsJob(id)).state, 'ready');
  server.resume();
  const { uptime } = await direct.stats();
  assert.ok(uptime >= 3600);
});

test('a job whose worker takes too long comes again', async (t) => {
  const server = await serve(t);
  await producer(t, server.uri).put('mail', 'hello', { ttr: 60 });
  const jobs = consumer(t, server.uri, 'mail').jobs();
  const { value: first } = await jobs.next();
  server.advance(60);
  const { value: again } = await jobs.next();
  assert.equal(again.text(), 'hello');
  assert.equal((await again.stats()).timeouts, 1);
  await again.delete();
  assert.equal(first.id, again.id);
});

test('it drains, and has no memory, when it is told to', async (t) => {
  const server = await serve(t);
  const direct = connection(t, server.uri);
  server.setShortage('jobs');
  assert.equal((await rejection(direct.put('mail', 'x'))).code, 'OUT_OF_MEMORY');
  server.setShortage('queues');
  assert.equal((await direct.put('mail', 'x')).state, 'buried');
  server.clearFaults();
  assert.equal((await direct.put('mail', 'x')).state, 'ready');
  server.drain();
  server.clearFaults();
  assert.equal((await rejection(direct.put('mail', 'x'))).code, 'DRAINING');
});

test('replies are held back and let go', async (t) => {
  const server = await serve(t);
  const direct = connection(t, server.uri);
  await direct.ready();
  server.delayReplies(Infinity);
  const call = direct.listTubes();
  assert.equal((await rejection(connection(t, server.uri).ready({ timeout: 20 }))).code, 'TIMEOUT');
  server.delayReplies(0);
  assert.deepEqual(await call, ['default']);
});

test('it is closed once, however often, and does nothing afterwards', async () => {
  const server = await startServer();
  await Promise.all([server.close(), server.close()]);
  await server.close();
  server.drain();
  server.advance(1);
  server.clearFaults();
  if (Symbol.asyncDispose !== undefined) {
    await server[Symbol.asyncDispose]();
  }
  await server.close();
});

test('many run next to each other', async (t) => {
  const servers = await Promise.all(Array.from({ length: 10 }, () => serve(t)));
  assert.equal(new Set(servers.map(({ uri }) => uri)).size, 10);
});
