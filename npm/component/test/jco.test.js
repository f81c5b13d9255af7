'use strict';

// The component in Node.js, made a module by jco: plain, and over TLS.

const assert = require('node:assert/strict');
const { before, test } = require('node:test');

const { beanstalkd } = require('../../beanwire/test/beanstalkd');
const { authority, component, failure, stunnel } = require('./support');

const text = (bytes) => new TextDecoder().decode(bytes);
const job = (body) => ({ tube: 'mail', body: new TextEncoder().encode(body) });
const values = (results) => results.map(({ tag, val }) => {
  assert.equal(tag, 'ok', val?.message);
  return val;
});

let plain;
let tls;

before(async () => {
  plain = await component('client');
  tls = await component('client-tls');
});

test('the module imports what the component does, and no file system', () => {
  const shims = ['clocks', 'io', 'random', 'sockets'].map((name) => (
    `@bytecodealliance/preview2-shim/${name}`
  ));
  assert.deepEqual([...plain.imports].sort(), shims);
});

test('ten thousand jobs are put and handled in batches', async (t) => {
  const { uri } = await beanstalkd(t);
  const { Producer } = plain.exports.producer;
  const { Consumer } = plain.exports.consumer;
  const { Connection } = plain.exports.connection;
  const bodies = Array.from({ length: 10_000 }, (_, index) => `job ${index}`);
  const producer = Producer.open([uri]);
  const ids = values(producer.putMany(bodies.map(job))).map(({ id }) => id);
  assert.equal(new Set(ids).size, bodies.length);
  assert.deepEqual(producer.close(5_000n), { abandonedOperations: 0, abandonedJobs: 0 });

  const consumer = Consumer.open([uri], ['mail']);
  const got = [];
  while (got.length < bodies.length) {
    const jobs = consumer.receiveMany(1_000, 5_000n);
    assert.ok(jobs.length > 0, `only ${got.length} jobs have come`);
    got.push(...jobs.map((each) => text(each.body())));
    values(Consumer.deleteMany(jobs));
  }
  assert.deepEqual(got.sort(), bodies.sort());
  assert.deepEqual(consumer.close(5_000n), { abandonedOperations: 0, abandonedJobs: 0 });

  const connection = Connection.open(uri);
  const stats = connection.stats();
  assert.equal(stats.totalJobs, 10_000n);
  assert.equal(stats.cmdDelete, 10_000n);
  connection.close(5_000n);
});

test('a wait ends without a job', async (t) => {
  const { uri } = await beanstalkd(t);
  const consumer = plain.exports.consumer.Consumer.open([uri], ['mail']);
  assert.equal(consumer.receive(50n), undefined);
  consumer.close(1_000n);
});

test('errors are values with a code and an outcome', async (t) => {
  const { uri } = await beanstalkd(t);
  const { Producer } = plain.exports.producer;
  assert.equal(failure(() => Producer.open(['nonsense://'])).code, 'invalid-uri');
  assert.equal(failure(() => Producer.open(['unix:///run/beanstalkd'])).code, 'unsupported');
  assert.equal(failure(() => Producer.open(['beanstalks://127.0.0.1'])).code, 'unsupported');
  const producer = Producer.open([uri]);
  const bad = failure(() => producer.put('-', new Uint8Array(1)));
  assert.deepEqual([bad.code, bad.outcome, bad.retry], ['invalid-argument', 'not-sent', 'never']);
  const large = failure(() => producer.put('mail', new Uint8Array(65_536)));
  assert.deepEqual([large.code, large.outcome], ['job-too-big', 'not-sent']);
  producer.close(1_000n);
  assert.equal(failure(() => producer.put('mail', new Uint8Array(1))).code, 'closed');
});

test('a server that was restarted between calls is found again', async (t) => {
  const server = await beanstalkd(t);
  const config = { reconnectMinMs: 1n, reconnectMaxMs: 20n };
  const producer = plain.exports.producer.Producer.open([server.uri], config);
  assert.equal(producer.put('mail', new Uint8Array(1)).id, 1n);
  await server.kill();
  await server.start();
  assert.equal(producer.put('mail', new Uint8Array(1)).id, 1n);
  producer.close(1_000n);
});

test('jobs go over TLS', async (t) => {
  const server = await beanstalkd(t);
  const uri = await stunnel(t, new URL(server.uri).port);
  const config = { tls: { rootsPem: authority() } };
  const producer = tls.exports.producer.Producer.open([uri], config);
  producer.put('mail', new TextEncoder().encode('secret'));
  producer.close(1_000n);
  const consumer = tls.exports.consumer.Consumer.open([uri], ['mail'], config);
  const got = consumer.receive(5_000n);
  assert.equal(text(got.body()), 'secret');
  got.delete();
  consumer.close(1_000n);
});

test('a server that nobody vouches for is refused when it is opened', async (t) => {
  const server = await beanstalkd(t);
  const uri = await stunnel(t, new URL(server.uri).port);
  const { Producer } = tls.exports.producer;
  assert.equal(failure(() => Producer.open([uri])).code, 'tls');
  const other = { tls: { rootsPem: authority(), serverName: 'other.test' } };
  assert.equal(failure(() => Producer.open([uri], other)).code, 'tls');
});
