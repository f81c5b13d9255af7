'use strict';

const assert = require('node:assert/strict');
const { before, test } = require('node:test');

const { Connection, Consumer, Job, Producer, startServer } = require('..');
const { connection, consumer, producer, rejection } = require('./support');

let server;

before(async () => {
  server = await startServer();
});

/** Checks that a call fails as it should before anything is sent. */
function assertArgument(error, type, pattern) {
  assert.ok(error instanceof type, `${error} is no ${type.name}`);
  assert.match(error.message, pattern);
  assert.deepEqual(
    [error.code, error.outcome, error.retry, error.retryable],
    ['INVALID_ARGUMENT', 'not-sent', 'never', false],
  );
}

function thrown(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('expected an exception');
}

const UNUSABLE = [
  [TypeError, /^multiply: expected a number, got "2"/, { multiply: '2' }],
  [RangeError, /^multiply: 0 is not allowed, the limit is an integer from 1 to 1024/, { multiply: 0 }],
  [RangeError, /^multiply: 1025 /, { multiply: 1025 }],
  [RangeError, /^concurrency: 1\.5 .* 1 to 65536/, { concurrency: 1.5 }],
  [RangeError, /^concurrency: NaN /, { concurrency: NaN }],
  [RangeError, /^maxConnections: 3 .* 4 \(multiply\) to 1024/, { maxConnections: 3, multiply: 4 }],
  [RangeError, /^prefetch: -1 /, { prefetch: -1 }],
  [RangeError, /^connectTimeout: 0 .* 1 to 3600000 milliseconds/, { connectTimeout: 0 }],
  [TypeError, /^commandTimeout: expected a number of milliseconds, got "5s"/, { commandTimeout: '5s' }],
  [RangeError, /^putTimeout: 86400001 /, { putTimeout: 86_400_001 }],
  [RangeError, /^reserveTimeout: 999 /, { reserveTimeout: 999 }],
  [RangeError, /^reconnectMin: 0 /, { reconnectMin: 0 }],
  [RangeError, /^reconnectMax: 3000 .* 5000 \(reconnectMin\)/, { reconnectMin: 5000 }],
  [TypeError, /^delivery: expected "at-least-once" or "at-most-once", got "exactly-once"/,
    { delivery: 'exactly-once' }],
  [TypeError, /^autoTouch: expected a boolean, got 1/, { autoTouch: 1 }],
  [TypeError, /^failure: expected an object, got "bury"/, { failure: 'bury' }],
  [TypeError, /^failure\.delays: no such option; there are delay, maxDelay/, { failure: { delays: 1 } }],
  [RangeError, /^failure\.delay: 301 .* 0 to 300 \(failure\.maxDelay\)/, { failure: { delay: 301 } }],
  [RangeError, /^failure\.maxDelay: -1 /, { failure: { maxDelay: -1 } }],
  [RangeError, /^failure\.maxAttempts: 0 /, { failure: { maxAttempts: 0 } }],
  [RangeError, /^failure\.deadLetter: "a b" .* only A-Z/, { failure: { deadLetter: 'a b', maxAttempts: 1 } }],
  [TypeError, /^failure\.maxAttempts: .* failure\.deadLetter needs/, { failure: { deadLetter: 'dead' } }],
  [RangeError, /^maxBodySize: 0 /, { maxBodySize: 0 }],
  [RangeError, /^maxPendingBytes: 4095 /, { maxPendingBytes: 4095 }],
  [TypeError, /^tls\.key: expected PEM text/, { tls: { cert: 'x' } }],
  [TypeError, /^tls\.ca: expected PEM text as a string or Buffer, got 1/, { tls: { ca: 1 } }],
  [TypeError, /^tls\.roots: no such option/, { tls: { roots: 1 } }],
  [TypeError, /^validateUris: /, { validateUris: 'yes' }],
  [TypeError, /^codec: expected "raw", "json" or an object with encode and decode, got "yaml"/,
    { codec: 'yaml' }],
  [TypeError, /^codec\.decode: expected a function, got undefined/, { codec: { encode() {} } }],
  [TypeError, /^logger: expected an object with the functions info and error/, { logger: true }],
  [TypeError, /^logger\.error: expected a function/, { logger: { info() {} } }],
  [TypeError, /^tracing: /, { tracing: {} }],
  [TypeError, /^propagate: expected a boolean/, { propagate: 1 }],
  [TypeError, /^codec: expected "json", which `propagate` needs/, { propagate: true }],
  [TypeError, /^concurency: no such option; there are multiply, concurrency, /, { concurency: 1 }],
  [TypeError, /^options: expected an object, got null/, null],
  [TypeError, /^options: expected an object, got an instance of Array/, []],
];

test('settings that cannot be used are refused at once', () => {
  for (const [type, pattern, options] of UNUSABLE) {
    for (const make of [
      () => new Producer(server.uri, options),
      () => new Consumer(server.uri, 'mail', options),
      () => new Connection(server.uri, options),
    ]) {
      assertArgument(thrown(make), type, pattern);
    }
  }
});

test('settings that say nothing are as if they were not there', async (t) => {
  const mail = producer(t, server.uri, {
    codec: undefined, failure: { delay: undefined }, logger: undefined, multiply: undefined, tls: {},
    tracing: false,
  });
  await mail.put('mail', 'x', { delay: undefined, priority: undefined, signal: undefined, ttr: undefined });
});

test('every setting reaches the native side', async (t) => {
  const options = {
    autoTouch: true, commandTimeout: 1.5, concurrency: 2, connectTimeout: 3000, delivery: 'at-most-once',
    failure: { deadLetter: 'dead', delay: 0.5, maxAttempts: 3, maxDelay: 10 }, maxBodySize: 100,
    maxConnections: 3, maxPendingBytes: 5000, multiply: 2, prefetch: 1, putTimeout: 0, reconnectMax: 10,
    reconnectMin: 5, reserveTimeout: 2000, tls: { serverName: 'x' }, validateUris: false,
  };
  await producer(t, server.uri, options).ready();
  await consumer(t, server.uri, 'mail', options).ready();
});

test('URIs and tubes are texts or lists of texts', () => {
  assertArgument(thrown(() => new Producer()), TypeError, /^uris: expected a string or an array of strings/);
  assertArgument(thrown(() => new Producer([])), RangeError, /^uris: .* at least one URI/);
  assertArgument(thrown(() => new Producer(['x', 1])), TypeError, /^uris\[1\]: expected a string, got 1/);
  assertArgument(thrown(() => new Connection(['x'])), TypeError, /^uri: expected a string/);
  assertArgument(thrown(() => new Consumer('x', 1)), TypeError, /^tubes: expected a string or an array/);
  for (const [tube, rule] of [
    ['', /1 to 200 bytes/], ['x'.repeat(201), /1 to 200 bytes/], ['-x', /not to start with '-'/],
    ['a b', /only A-Z/], ['é', /only A-Z/], ['a\r\n', /only A-Z/],
  ]) {
    assertArgument(thrown(() => new Consumer('x', ['mail', tube])), RangeError, rule);
  }
});

test('a job comes from a consumer or a connection', () => {
  assert.throws(() => new Job(), TypeError);
});

test('arguments of a put are checked before anything is sent', async (t) => {
  const mail = producer(t, server.uri);
  const cases = [
    [TypeError, /^tube: expected a string, got undefined/, []],
    [TypeError, /^tube: expected a string, got a symbol/, [Symbol('x'), 'x']],
    [RangeError, /^tube: "" is not allowed, the limit is 1 to 200 bytes/, ['', 'x']],
    [RangeError, /^tube: "x{64}".* \(201 bytes\) is not allowed/, ['x'.repeat(201), 'x']],
    [TypeError, /^options: expected an object, got 5/, ['mail', 'x', 5]],
    [TypeError, /^prio: no such option; there are priority, delay, ttr, signal, timeout/,
      ['mail', 'x', { prio: 1 }]],
    [TypeError, /^priority: expected a number, got "1"/, ['mail', 'x', { priority: '1' }]],
    [TypeError, /^priority: expected a number, got 1n/, ['mail', 'x', { priority: 1n }]],
    [RangeError, /^priority: -1 is not allowed, the limit is an integer from 0 to 4294967295/,
      ['mail', 'x', { priority: -1 }]],
    [RangeError, /^priority: 0\.5 /, ['mail', 'x', { priority: 0.5 }]],
    [RangeError, /^priority: 4294967296 /, ['mail', 'x', { priority: 2 ** 32 }]],
    [TypeError, /^delay: expected a number of seconds, got "1s"/, ['mail', 'x', { delay: '1s' }]],
    [RangeError, /^delay: -0\.5 /, ['mail', 'x', { delay: -0.5 }]],
    [RangeError, /^delay: NaN /, ['mail', 'x', { delay: NaN }]],
    [RangeError, /^delay: Infinity /, ['mail', 'x', { delay: Infinity }]],
    [RangeError, /^ttr: 0 is not allowed, the limit is 1 to 4294967295 seconds/, ['mail', 'x', { ttr: 0 }]],
    [RangeError, /^timeout: -1 /, ['mail', 'x', { timeout: -1 }]],
    [RangeError, /^timeout: 2147483648 /, ['mail', 'x', { timeout: 2 ** 31 }]],
    [TypeError, /^signal: expected an AbortSignal, got an instance of AbortController/,
      ['mail', 'x', { signal: new AbortController() }]],
    [TypeError, /^signal: expected an AbortSignal, got null/, ['mail', 'x', { signal: null }]],
  ];
  const direct = connection(t, server.uri);
  const { cmdPut } = await direct.stats();
  for (const [type, pattern, args] of cases) {
    assertArgument(await rejection(mail.put(...args)), type, pattern);
    assertArgument(await rejection(direct.put(...args)), type, pattern);
  }
  assert.equal((await direct.stats()).cmdPut, cmdPut);
});

test('limits of a timeout', async (t) => {
  const mail = producer(t, server.uri);
  await mail.put('mail', 'x', { timeout: Infinity });
  await mail.put('mail', 'x', { timeout: 2 ** 31 - 1 });
  await mail.ready({ timeout: Infinity });
  const direct = connection(t, server.uri);
  await direct.listTubes({ timeout: Infinity });
  await direct.close({ timeout: Infinity });
});

test('arguments of the other calls are checked, too', async (t) => {
  const mail = producer(t, server.uri);
  const work = consumer(t, server.uri, 'mail');
  const direct = connection(t, server.uri);
  const cases = [
    [TypeError, /^ref: expected an object, got undefined/, () => mail.delete()],
    [TypeError, /^ref\.id: expected a bigint or an integer, got "1"/, () => mail.delete({ id: '1' })],
    [TypeError, /^ref\.server: expected a string, got undefined/, () => mail.delete({ id: 1 })],
    [RangeError, /^ref\.id: -1 /, () => mail.delete({ id: -1, server: 'x' })],
    [RangeError, /^id: 9007199254740992 /, () => direct.delete(2 ** 53)],
    [RangeError, /^id: 18446744073709551616n /, () => direct.delete(2n ** 64n)],
    [RangeError, /^id: -1n /, () => direct.peek(-1n)],
    [TypeError, /^seconds: expected a number of seconds/, () => direct.reserveWithTimeout()],
    [RangeError, /^seconds: 2147483648 .* 0 to 2147483647 seconds/, () => direct.reserveWithTimeout(2 ** 31)],
    [TypeError, /^bound: expected a number/, () => direct.kick('mail')],
    [RangeError, /^delay: -1 /, () => direct.pauseTube('mail', -1)],
    [TypeError, /^tube: expected a string/, () => direct.watch()],
    [RangeError, /^tube: "a b" /, () => direct.watch('a b')],
    [TypeError, /^tims: no such option; there are signal, timeout/, () => direct.stats({ tims: 1 })],
    [TypeError, /^delays: no such option; there are priority, delay/, () => direct.release(1, { delays: 1 })],
    [RangeError, /^priority: -1 /, () => direct.bury(1, { priority: -1 })],
    [TypeError, /^timeout: expected a number of milliseconds/, () => mail.close({ timeout: '1' })],
    [TypeError, /^patience: no such option; there are timeout, force/, () => mail.close({ patience: 1 })],
    [TypeError, /^force: expected a boolean/, () => mail.close({ force: 1 })],
    [TypeError, /^handler: expected a function, got undefined/, () => work.receive()],
    [TypeError, /^drainTimeout: expected/, () => work.receive(() => {}, { drainTimeout: '1' })],
    [TypeError, /^force: expected an AbortSignal/, () => work.receive(() => {}, { force: true })],
    [TypeError, /^concurrency: no such option/, () => work.receive(() => {}, { concurrency: 1 })],
  ];
  for (const [type, pattern, call] of cases) {
    assertArgument(await rejection(call()), type, pattern);
  }
  assertArgument(thrown(() => work.jobs({ signal: 1 })), TypeError, /^signal: expected an AbortSignal/);
});

test('a job whose call had a wrong argument is still in hand', async (t) => {
  const direct = connection(t, server.uri);
  await direct.watch('hand');
  await direct.put('hand', 'x');
  const job = await direct.reserve();
  assertArgument(await rejection(job.release({ priority: -1 })), RangeError, /^priority: -1 /);
  assertArgument(await rejection(job.release({ delay: -1 })), RangeError, /^delay: -1 /);
  assertArgument(await rejection(job.bury({ delay: 1 })), TypeError, /^delay: no such option/);
  assertArgument(await rejection(job.delete({ signal: 1 })), TypeError, /^signal: /);
  const aborted = AbortSignal.abort('no');
  assert.equal(await rejection(job.delete({ signal: aborted })), 'no');
  assert.equal(job.isFinished, false);
  await job.delete();
});

test('arguments of the embedded server are checked', async () => {
  const cases = [
    [RangeError, /^port: 65536 /, { port: 65_536 }],
    [TypeError, /^host: expected a string/, { host: 1 }],
    [RangeError, /^maxJobSize: -1 /, { maxJobSize: -1 }],
    [TypeError, /^key: expected PEM text/, { cert: 'x' }],
    [TypeError, /^tls: no such option; there are cert, host/, { tls: {} }],
    [RangeError, /^host: "localhost" .* an IP address/, { host: 'localhost' }],
  ];
  for (const [type, pattern, options] of cases) {
    assertArgument(await rejection(startServer(options)), type, pattern);
  }
  assertArgument(thrown(() => server.advance('1')), TypeError, /^seconds: /);
  assertArgument(thrown(() => server.advance(-1)), RangeError, /^seconds: /);
  assertArgument(thrown(() => server.delayReplies(-1)), RangeError, /^millis: /);
  assertArgument(thrown(() => server.refuseConnections(1)), TypeError, /^refuse: /);
  assertArgument(thrown(() => server.cutAfterSent(1.5)), RangeError, /^bytes: /);
  assertArgument(thrown(() => server.setShortage('all')), TypeError, /^shortage: expected "none"/);
});
