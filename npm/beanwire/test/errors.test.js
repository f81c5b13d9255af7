'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');

const { BeanwireError } = require('..');
const {
  ROOT, connection, consumer, freePort, producer, rejection, scripted, serve,
} = require('./support');

/** The table of the Rust crate: every code, and whether to try again. */
function rustTable() {
  const file = path.join(ROOT, '../../crates/core/src/error.rs');
  const rows = fs.readFileSync(file, 'utf8').matchAll(/^ {4}\w+ = "([A-Z_]+)", (\w+);$/gm);
  return new Map([...rows].map(([, code, retry]) => [code, retry.toLowerCase()]));
}

/** What has to happen for each code, and what became of the command then. */
const CASES = {
  INVALID_ARGUMENT: ['not-sent', async (t) => producer(t, (await serve(t)).uri).put('no name', 'x')],
  INVALID_URI: ['not-sent', async (t) => producer(t, 'x:y:z').put('mail', 'x')],
  JOB_TOO_BIG: ['not-sent', async (t) => (
    producer(t, (await serve(t, { maxJobSize: 1 })).uri).put('mail', 'xx'))],
  DISCONNECTED: ['not-sent', async (t) => connection(t, `127.0.0.1:${await freePort()}`).stats()],
  TLS: ['not-sent', async (t) => {
    const plain = net.createServer((socket) => socket.end('UNKNOWN_COMMAND\r\n')).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    t.after(() => plain.close());
    return connection(t, `beanstalks://127.0.0.1:${plain.address().port}`).stats();
  }],
  TIMEOUT: ['unknown', async (t) => {
    const server = await serve(t);
    const direct = connection(t, server.uri);
    await direct.ready();
    server.delayReplies(Infinity);
    return direct.listTubes({ timeout: 10 });
  }],
  CLOSED: ['not-sent', async (t) => {
    const mail = producer(t, (await serve(t)).uri);
    await mail.close();
    return mail.put('mail', 'x');
  }],
  QUEUE_FULL: ['not-sent', async (t) => {
    const server = await serve(t);
    const mail = producer(t, server.uri, { maxPendingBytes: 4096 });
    await mail.ready();
    server.delayReplies(Infinity);
    mail.put('mail', Buffer.alloc(4000)).catch(() => {});
    return mail.put('mail', Buffer.alloc(4000), { timeout: 10 });
  }],
  DRAINING: ['rejected', async (t) => {
    const server = await serve(t);
    const mail = producer(t, server.uri);
    await mail.ready();
    server.drain();
    return mail.put('mail', 'x');
  }],
  OUT_OF_MEMORY: ['rejected', async (t) => {
    const server = await serve(t);
    const mail = producer(t, server.uri);
    await mail.ready();
    server.setShortage('jobs');
    return mail.put('mail', 'x');
  }],
  INTERNAL_ERROR: ['rejected', said('INTERNAL_ERROR\r\n')],
  BAD_FORMAT: ['rejected', said('BAD_FORMAT\r\n')],
  UNKNOWN_COMMAND: ['rejected', said('UNKNOWN_COMMAND\r\n')],
  EXPECTED_CRLF: ['rejected', async (t) => {
    const uri = await scripted(t, (line, body, reply) => (
      reply(line.startsWith('put ') ? 'EXPECTED_CRLF\r\n' : 'USING mail\r\n')));
    return connection(t, uri).put('mail', 'x');
  }],
  NOT_FOUND: ['rejected', async (t) => connection(t, (await serve(t)).uri).delete(1)],
  NOT_IGNORED: ['rejected', async (t) => connection(t, (await serve(t)).uri).ignore('default')],
  DEADLINE_SOON: ['rejected', async (t) => {
    const direct = connection(t, (await serve(t)).uri);
    await direct.put('default', 'x', { ttr: 1 });
    await direct.reserve();
    return direct.reserve();
  }],
  BURIED: ['rejected', async (t) => {
    const server = await serve(t);
    const direct = connection(t, server.uri);
    await direct.put('default', 'x');
    const job = await direct.reserve();
    server.setShortage('queues');
    return direct.release(job.id);
  }],
  JOB_FINISHED: ['not-sent', async (t) => {
    const direct = connection(t, (await serve(t)).uri);
    await direct.put('default', 'x');
    const job = await direct.reserve();
    await job.delete();
    return job.touch();
  }],
  JOB_LOST: ['not-sent', async (t) => {
    const server = await serve(t);
    const direct = connection(t, server.uri);
    await direct.put('default', 'x');
    const job = await direct.reserve();
    const { signal } = job;
    server.cutAfterReceived(0);
    direct.listTubes().catch(() => {});
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    return job.delete();
  }],
  ACCESS_DENIED: ['not-sent', async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beanwire-'));
    t.after(() => fs.rmSync(dir, { recursive: true }));
    const socket = path.join(dir, 'socket');
    const server = net.createServer().listen(socket);
    t.after(() => server.close());
    await once(server, 'listening');
    fs.chmodSync(dir, 0o711);
    fs.chmodSync(socket, 0);
    const user = process.geteuid();
    // Nothing is forbidden to root.
    process.seteuid(user || 65534);
    try {
      return await connection(t, `unix://${socket}`).stats();
    } finally {
      process.seteuid(user);
    }
  }],
  UNEXPECTED_REPLY: ['unknown', said('FINE, THANKS\r\n')],
  UNSUPPORTED: ['not-sent', async (t) => {
    const { uri } = await serve(t);
    return serve(t, { port: Number(uri.split(':').pop()) });
  }],
};

/** A server that answers every command so. */
function said(text) {
  return async (t) => connection(t, await scripted(t, (line, body, reply) => reply(text))).kickJob(1);
}

test('there is a case for every code that the Rust crate knows', () => {
  assert.deepEqual(Object.keys(CASES).sort(), [...rustTable().keys()].sort());
});

test('the types know every code', () => {
  const types = fs.readFileSync(path.join(ROOT, 'lib/errors.d.ts'), 'utf8');
  const [, union] = /export type ErrorCode =([^;]+);/.exec(types);
  assert.deepEqual(union.match(/[A-Z_]+/g).sort(), [...rustTable().keys()].sort());
});

const table = rustTable();
for (const [code, [outcome, cause]] of Object.entries(CASES)) {
  test(`${code}: how it comes about, and what it says`, async (t) => {
    const error = await rejection(cause(t));
    assert.ok(error instanceof (code === 'INVALID_ARGUMENT' ? RangeError : BeanwireError), inspect(error));
    assert.equal(error.code, code, inspect(error));
    assert.equal(error.outcome, outcome, inspect(error));
    assert.equal(error.retry, table.get(code));
    assert.equal(error.retryable, error.retry !== 'never');
    assert.ok(error.message.length > 0);
  });
}

test('a stack leads to the caller', async (t) => {
  const { uri } = await serve(t, { maxJobSize: 1 });
  const mail = producer(t, uri);
  const direct = connection(t, uri);
  await mail.put('mail', 'x');
  const someCaller = async (call) => {
    await call();
  };
  const calls = {
    'a put': () => mail.put('mail', 'too big'),
    'an argument only the native side sees': () => mail.put('no name', 'x'),
    'an argument seen here': () => mail.put('mail', 'x', { ttr: 0 }),
    'a delete': () => mail.delete({ id: 99n, server: uri }),
    'a command': () => direct.peek(99n),
    'a command before it is open': () => connection(t, uri).peek(99n),
    'after a timeout': () => direct.reserve({ timeout: 1 }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const { stack } = await rejection(someCaller(call));
    assert.match(stack, /someCaller .*errors\.test\.js/, `${name}: ${stack}`);
    assert.doesNotMatch(stack, /errorOf|valueOf/, name);
  }
});

test('an error of a handler shows the line of the handler', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'x');
  const work = consumer(t, uri, 'mail');
  const stop = new AbortController();
  work.on('error', () => {});
  let stack;
  await work.receive(async function someHandler(job) {
    await job.delete();
    try {
      await job.delete();
    } catch (error) {
      ({ stack } = error);
    }
    stop.abort();
  }, { signal: stop.signal });
  assert.match(stack, /someHandler .*errors\.test\.js/);
});

test('a cause is an error with its own cause', async (t) => {
  const error = await rejection(connection(t, `127.0.0.1:${await freePort()}`).stats());
  assert.ok(error.cause instanceof Error);
  assert.match(error.cause.message, /refused/);
  assert.equal('cause' in error.cause, false);
});

test('a field of the settings is named as it is written here', async (t) => {
  // Only the native side knows the sizes of its memory.
  const { uri } = await serve(t);
  const error = await rejection(producer(t, uri).put('mail', 'x', { delay: 2 ** 32 - 0.5 }));
  assert.match(error.message, /^delay: 4294967295\.5 is not allowed, the limit is 0 to 4294967295 seconds$/);
});

test('a BeanwireError can be made for tests of other code', () => {
  const cause = new Error('why');
  const error = new BeanwireError('gone', { cause, code: 'JOB_LOST' });
  assert.equal(error.name, 'BeanwireError');
  assert.equal(String(error), 'BeanwireError: gone');
  assert.equal(error.cause, cause);
  assert.deepEqual({ ...error }, { code: 'JOB_LOST', outcome: 'unknown', retry: 'never', retryable: false });
  assert.equal('cause' in new BeanwireError('gone', { code: 'JOB_LOST' }), false);
});
