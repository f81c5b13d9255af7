'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { connection, consumer, onBoth, producer, rejection, serve } = require('./support');

onBoth('json: values go and come', async (t, uri) => {
  const mail = producer(t, uri, { codec: 'json' });
  const values = [{ to: 'Bo', tags: [1, null, 'ü'] }, [], 'text', 0, false, null];
  await mail.putMany(values.map((body) => ({ body, tube: 'mail' })));
  const seen = [];
  for await (const job of consumer(t, uri, 'mail', { codec: 'json' })) {
    seen.push(job.data);
    assert.equal(job.data, job.data);
    await job.delete();
    if (seen.length === values.length) {
      break;
    }
  }
  assert.deepEqual(seen, values);
});

test('json: what it cannot express is not sent', async (t) => {
  const mail = producer(t, (await serve(t)).uri, { codec: 'json' });
  const circular = {};
  circular.self = circular;
  for (const value of [undefined, () => {}, Symbol('x'), 1n, circular]) {
    const error = await rejection(mail.put('mail', value));
    assert.ok(error instanceof TypeError, String(error));
  }
  const [first, second] = await mail.putMany([{ body: undefined, tube: 'x' }, { body: 1, tube: 'x' }]);
  assert.ok(first.error instanceof TypeError);
  assert.equal(second.state, 'ready');
});

test('json: a body that is none leaves the job in hand', async (t) => {
  const { uri } = await serve(t);
  const { id } = await producer(t, uri).put('mail', 'not json');
  for await (const job of consumer(t, uri, 'mail', { codec: 'json' })) {
    assert.throws(() => job.data, SyntaxError);
    assert.throws(() => job.data, SyntaxError);
    assert.throws(() => job.json(), SyntaxError);
    assert.equal(job.text(), 'not json');
    await job.bury();
    break;
  }
  assert.equal((await connection(t, uri).statsJob(id)).state, 'buried');
});

test('json: a handler that reads such a body has failed, and others go on', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'not json');
  await producer(t, uri, { codec: 'json' }).put('mail', 'json');
  const stop = new AbortController();
  const seen = [];
  const work = consumer(t, uri, 'mail', { codec: 'json', concurrency: 1, failure: { maxAttempts: 1 } });
  work.on('error', (error) => seen.push(error.name));
  await work.receive(async (job) => {
    seen.push(job.data);
    await job.delete();
    stop.abort();
  }, { signal: stop.signal });
  assert.deepEqual(seen, ['SyntaxError', 'json']);
});

test('own: what it makes is what goes, and what it throws is what the put rejects with', async (t) => {
  const { uri } = await serve(t);
  const codec = {
    decode: (body) => new Date(Number(body.readBigInt64BE())),
    encode(date) {
      if (Number.isNaN(date.getTime())) {
        throw new RangeError('no date');
      }
      const body = Buffer.alloc(8);
      body.writeBigInt64BE(BigInt(date.getTime()));
      return body;
    },
  };
  const mail = producer(t, uri, { codec });
  const date = new Date(1e12);
  await mail.put('mail', date);
  assert.equal((await rejection(mail.put('mail', new Date(NaN)))).message, 'no date');
  const [{ error }] = await mail.putMany([{ body: new Date(NaN), tube: 'mail' }]);
  assert.equal(error.message, 'no date');
  const { value: job } = await consumer(t, uri, 'mail', { codec }).jobs().next();
  assert.deepEqual(job.data, date);
  await job.delete();
  const direct = connection(t, uri, { codec });
  await direct.put('default', date);
  assert.deepEqual((await direct.reserve()).data, date);
});

test('own: what is no body is a TypeError, and its methods are called as its own', async (t) => {
  const { uri } = await serve(t);
  class Codec {
    prefix = '>';

    encode(value) {
      return value === 'bad' ? 7 : this.prefix + value;
    }

    decode(body) {
      return body.toString().slice(this.prefix.length);
    }
  }
  const mail = producer(t, uri, { codec: new Codec() });
  const { message } = await rejection(mail.put('mail', 'bad'));
  assert.match(message, /^codec\.encode: expected a Buffer, .* got 7$/);
  await mail.put('mail', 'good');
  const { value: job } = await consumer(t, uri, 'mail', { codec: new Codec() }).jobs().next();
  assert.deepEqual([job.text(), job.data], ['>good', 'good']);
});
