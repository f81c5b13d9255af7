'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { connection, consumer, producer, rejection, serve } = require('./support');

// Made for these tests, valid for queue.test and 127.0.0.1 until the year 2126.
const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => (
  fs.readFileSync(path.join(__dirname, 'tls', `${name}.pem`))
));

test('jobs go over TLS to a server that is trusted', async (t) => {
  const { uri } = await serve(t, { cert, key });
  assert.match(uri, /^beanstalks:/);
  await producer(t, uri, { tls: { ca } }).put('mail', 'secret');
  const work = consumer(t, uri, 'mail', { tls: { ca: [ca.toString()], serverName: 'queue.test' } });
  for await (const job of work) {
    assert.equal(job.text(), 'secret');
    await job.delete();
    break;
  }
});

test('a server that nobody vouches for is refused', async (t) => {
  const { uri } = await serve(t, { cert: cert.toString(), key: key.toString() });
  const error = await rejection(connection(t, uri).stats());
  assert.equal(error.code, 'TLS');
  assert.equal(error.retryable, false);
  assert.equal((await rejection(producer(t, uri).ready())).code, 'TLS');
});

test('a server with another name is refused', async (t) => {
  const { uri } = await serve(t, { cert, key });
  const options = { tls: { ca, serverName: 'other.test' } };
  assert.equal((await rejection(connection(t, uri, options).stats())).code, 'TLS');
});

test('texts that cannot be used are named', async (t) => {
  const { uri } = await serve(t, { cert, key });
  const calls = {
    'tls.ca': { ca: 'nothing' },
    'tls.cert': { ca, cert: 'nothing', key },
    'tls.key': { ca, cert, key: 'nothing' },
    'tls.serverName': { ca, serverName: 'a b' },
  };
  for (const [field, tls] of Object.entries(calls)) {
    const error = await rejection(producer(t, uri, { tls }).ready());
    assert.ok(error instanceof RangeError, field);
    assert.ok(error.message.startsWith(`${field}: `), error.message);
  }
});
