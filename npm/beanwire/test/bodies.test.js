'use strict';

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { test } = require('node:test');

const { connection, onBoth, producer, rejection, serve } = require('./support');

onBoth('bodies come back as they went, whatever is in them', async (t, uri) => {
  const mail = producer(t, uri);
  const direct = connection(t, uri);
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const bodies = [
    Buffer.alloc(0), Buffer.from([0]), all, Buffer.from('\r\nput 1 2 3 4\r\n'), randomBytes(65_535),
  ];
  for (const body of bodies) {
    const { id } = await mail.put('mail', body);
    const found = (await direct.peek(id)).body;
    assert.ok(Buffer.isBuffer(found));
    assert.ok(found.equals(body), `${body.length} bytes`);
  }
});

onBoth('strings go as UTF-8', async (t, uri) => {
  const { id } = await producer(t, uri).put('mail', 'Grüße, 世界 🫘');
  assert.equal((await connection(t, uri).peek(id)).body.toString(), 'Grüße, 世界 🫘');
});

onBoth('a view of a larger buffer goes as the part that it shows', async (t, uri) => {
  const { id } = await producer(t, uri).put('mail', Buffer.from('0123456789').subarray(2, 5));
  assert.equal((await connection(t, uri).peek(id)).body.toString(), '234');
});

test('what becomes of a buffer after the call does not matter', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  const body = Buffer.from('before');
  // The first put waits for the client to be open, the second does not.
  const early = mail.put('mail', body);
  body.fill('x');
  await early;
  body.write('again!');
  const late = mail.put('mail', body);
  body.fill('x');
  await late;
  const direct = connection(t, server.uri);
  assert.equal((await direct.peek((await early).id)).body.toString(), 'before');
  assert.equal((await direct.peek((await late).id)).body.toString(), 'again!');
});

onBoth('a body that is too big is refused and says so', async (t, uri) => {
  const mail = producer(t, uri);
  const error = await rejection(mail.put('mail', Buffer.alloc(65_536)));
  assert.equal(error.code, 'JOB_TOO_BIG');
  assert.equal(error.retryable, false);
  assert.equal((await mail.put('mail', Buffer.alloc(65_535))).state, 'ready');
});

test('a server that takes more gets more', async (t) => {
  const server = await serve(t, { maxJobSize: 1 << 20 });
  const { id } = await producer(t, server.uri).put('mail', Buffer.alloc(1 << 20, 'x'));
  assert.equal((await connection(t, server.uri).peek(id)).body.length, 1 << 20);
});

test('a body that is neither text nor bytes is a TypeError', async (t) => {
  const mail = producer(t, (await serve(t)).uri);
  for (const body of [undefined, null, 1, 1n, {}, [1], new ArrayBuffer(1), new Uint16Array(1)]) {
    const error = await rejection(mail.put('mail', body));
    assert.ok(error instanceof TypeError, String(body));
    assert.match(error.message, /^body: expected a Buffer, Uint8Array or string, got /);
    assert.deepEqual([error.code, error.outcome, error.retryable], ['INVALID_ARGUMENT', 'not-sent', false]);
  }
});
