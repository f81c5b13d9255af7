'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Connection, Consumer, Producer, startServer } = require('..');
const { abortListeners, connection, rejection, serve } = require('./support');

/** Every call that takes a signal and a timeout, on clients and jobs that get no answer. */
const CALLS = {
  'Producer.put': ({ mail }, options) => mail.put('mail', 'x', options),
  'Producer.putMany': ({ mail }, options) => mail.putMany([{ body: 'x', tube: 'mail' }], options),
  'Producer.delete': ({ mail, ref }, options) => mail.delete(ref, options),
  'Connection.put': ({ direct }, options) => direct.put('mail', 'x', options),
  'Job.stats': ({ jobs }, options) => jobs[0].stats(options),
  'Job.touch': ({ jobs }, options) => jobs[0].touch(options),
  'Job.touchAfter': ({ jobs }, options) => jobs[1].touchAfter(options),
  'Job.delete': ({ jobs }, options) => jobs[2].delete(options),
  'Job.release': ({ jobs }, options) => jobs[3].release(options),
  'Job.bury': ({ jobs }, options) => jobs[4].bury(options),
  'Job.fail': ({ jobs }, options) => jobs[5].fail(options),
};

const COMMANDS = {
  bury: [1], delete: [1], ignore: ['x'], kick: ['x', 1], kickJob: [1], listTubeUsed: [], listTubes: [],
  listTubesWatched: [], pauseTube: ['x', 1], peek: [1], peekBuried: ['x'], peekDelayed: ['x'],
  peekReady: ['x'], release: [1], reserve: [], reserveJob: [1], reserveWithTimeout: [0], stats: [],
  statsJob: [1], statsTube: ['x'], touch: [1], useTube: ['x'], watch: ['x'],
};
for (const [name, args] of Object.entries(COMMANDS)) {
  CALLS[`Connection.${name}`] = ({ direct }, options) => direct[name](...args, options);
}

/** Clients that are open, and jobs, of a server that then falls silent. */
async function silent() {
  const server = await startServer();
  const mail = new Producer(server.uri);
  const work = new Consumer(server.uri, 'mail');
  const direct = new Connection(server.uri);
  await mail.putMany(Array.from({ length: 6 }, () => ({ body: 'x', tube: 'mail' })));
  const stream = work.jobs();
  const jobs = [];
  while (jobs.length < 6) {
    jobs.push((await stream.next()).value);
  }
  const ref = await mail.put('other', 'x');
  await direct.ready();
  server.delayReplies(Infinity);
  return { clients: [mail, work, direct], direct, jobs, mail, ref, server };
}

/** A promise that ends with everything that a signal may abort in between. */
const microtasks = async (count) => {
  for (let n = 0; n < count; n += 1) {
    await undefined;
  }
};

describe('without an answer', () => {
  let all;

  before(async () => {
    all = await silent();
  });

  after(async () => {
    await Promise.all(all.clients.map((client) => client.close({ force: true })));
    await all.server.close();
  });

  test('there is a case for every command', () => {
    const common = ['constructor', 'put', 'close', 'ready', 'health'];
    const names = Object.getOwnPropertyNames(Connection.prototype).filter((name) => !common.includes(name));
    assert.deepEqual(names.sort(), Object.keys(COMMANDS).sort());
  });

  for (const [name, call] of Object.entries(CALLS)) {
    const once = /delete|release|bury|fail/i.test(name) && name.startsWith('Job');

    test(`${name}: a signal that has aborted before`, async () => {
      assert.equal(await rejection(call(all, { signal: AbortSignal.abort('before') })), 'before');
    });

    test(`${name}: a signal that aborts meanwhile, at any await`, async () => {
      const moments = [
        () => undefined, () => microtasks(1), () => microtasks(2), () => microtasks(3), () => microtasks(10),
        () => new Promise(process.nextTick), () => new Promise(setImmediate),
      ];
      for (const moment of once ? moments.slice(-1) : moments) {
        const stop = new AbortController();
        const reason = new Error('meanwhile');
        const ended = rejection(call(all, { signal: stop.signal }));
        await moment();
        stop.abort(reason);
        assert.equal(await ended, reason);
        assert.equal(abortListeners(stop.signal), 0);
      }
    });

    if (!once && !name.includes('putMany')) {
      test(`${name}: a timeout`, async () => {
        const error = await rejection(call(all, { timeout: 5 }));
        assert.equal(error.code, 'TIMEOUT');
        assert.equal(error.retryable, true);
        assert.notEqual(error.outcome, 'rejected');
      });
    }
  }
});

describe('before it is open', () => {
  for (const [name, call] of Object.entries(CALLS).filter(([it]) => !it.startsWith('Job'))) {
    test(`${name}: a signal`, async (t) => {
      const { uri } = await serve(t);
      const all = {
        direct: new Connection(uri), mail: new Producer(uri), ref: { id: 1n, server: uri },
      };
      const stop = new AbortController();
      const ended = rejection(call(all, { signal: stop.signal }));
      stop.abort('early');
      assert.equal(await ended, 'early');
      assert.equal(abortListeners(stop.signal), 0);
      await Promise.all([all.direct.close(), all.mail.close()]);
    });
  }

  test('a timeout says that nothing was sent', async () => {
    // It accepts, and is never open, for it says nothing.
    const silence = require('node:net').createServer(() => {}).listen(0, '127.0.0.1');
    await require('node:events').once(silence, 'listening');
    const direct = new Connection(`127.0.0.1:${silence.address().port}`);
    const error = await rejection(direct.stats({ timeout: 10 }));
    assert.deepEqual([error.code, error.outcome], ['TIMEOUT', 'not-sent']);
    assert.equal((await rejection(direct.ready({ timeout: 10 }))).code, 'TIMEOUT');
    await direct.close({ force: true });
    silence.close();
  });
});

describe('with an answer', () => {
  test('a listener is removed', async (t) => {
    const server = await serve(t);
    const direct = connection(t, server.uri);
    const stop = new AbortController();
    await direct.put('default', 'x', { signal: stop.signal });
    const job = await direct.reserve({ signal: stop.signal });
    await job.touch({ signal: stop.signal });
    await job.delete({ signal: stop.signal });
    await direct.listTubes({ signal: stop.signal });
    await rejection(direct.peek(99, { signal: stop.signal }));
    await direct.ready({ signal: stop.signal });
    assert.equal(abortListeners(stop.signal), 0);
  });

  test('a call is not cut short by a signal that aborts afterwards', async (t) => {
    const server = await serve(t);
    const direct = connection(t, server.uri);
    for (let round = 0; round < 200; round += 1) {
      const stop = new AbortController();
      const call = direct.listTubes({ signal: stop.signal });
      const ended = call.then(() => 'done', (error) => error);
      setImmediate(() => stop.abort('late'));
      assert.ok(['done', 'late'].includes(await ended));
    }
    assert.deepEqual(await direct.listTubes(), ['default']);
  });

  test('the reason may be anything', async (t) => {
    const { uri } = await serve(t);
    const direct = connection(t, uri);
    await direct.ready();
    const error = await rejection(direct.reserve({ signal: AbortSignal.timeout(1) }));
    assert.equal(error.name, 'TimeoutError');
  });
});

test('a signal that many calls share is listened to once, and without a warning', async (t) => {
  const { uri } = await serve(t);
  const mail = new Producer(uri);
  t.after(() => mail.close());
  const warnings = [];
  const note = (warning) => warnings.push(warning);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const { signal } = new AbortController();
  const puts = Promise.all(Array.from({ length: 50 }, () => mail.put('mail', 'x', { signal })));
  assert.equal(abortListeners(signal), 1);
  assert.equal((await puts).length, 50);
  assert.equal(abortListeners(signal), 0);
  // Warnings are told in a tick of their own.
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test('a signal that many calls share gives all of them up', async (t) => {
  const server = await serve(t);
  const mail = new Producer(server.uri);
  t.after(() => mail.close({ timeout: 0 }));
  await mail.ready();
  server.delayReplies(Infinity);
  const stop = new AbortController();
  const puts = Array.from({ length: 50 }, () => mail.put('mail', 'x', { signal: stop.signal }));
  const results = Promise.all(puts.map(rejection));
  stop.abort('enough');
  assert.deepEqual(await results, Array(50).fill('enough'));
  assert.equal(abortListeners(stop.signal), 0);
});
