'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');

const { Consumer } = require('..');
const {
  connection, consumer, deferred, onBoth, producer, rejection, serve,
} = require('./support');

const QUIET = { failure: { delay: 0 } };

async function untilReady(direct, id) {
  while ((await direct.statsJob(id)).state !== 'ready') {
    await new Promise(setImmediate);
  }
}

/** Ends a receive once `count` handlers were asked. */
function stopAfter(count) {
  const stop = new AbortController();
  let seen = 0;
  return {
    signal: stop.signal,
    tick() {
      seen += 1;
      if (seen === count) {
        stop.abort();
      }
    },
  };
}

onBoth('handlers get every job once, and the report counts them', async (t, uri) => {
  const mail = producer(t, uri);
  await mail.putMany(Array.from({ length: 500 }, (_, n) => ({ body: String(n), tube: 'mail' })));
  const seen = [];
  const stop = stopAfter(500);
  const report = await consumer(t, uri, 'mail', { concurrency: 20 }).receive(async (job) => {
    seen.push(Number(job.text()));
    await job.delete();
    stop.tick();
  }, { signal: stop.signal });
  assert.deepEqual(report, { abandoned: 0, failed: 0, handled: 500 });
  assert.deepEqual(seen.sort((a, b) => a - b), Array.from({ length: 500 }, (_, n) => n));
  assert.equal((await connection(t, uri).statsTube('mail')).cmdDelete, 500);
});

onBoth('as many handlers run at once as are allowed, and no more', async (t, uri) => {
  const mail = producer(t, uri);
  await mail.putMany(Array.from({ length: 12 }, () => ({ body: 'x', tube: 'mail' })));
  const stop = stopAfter(12);
  const full = deferred();
  let running = 0;
  let most = 0;
  await consumer(t, uri, 'mail', { concurrency: 4 }).receive(async (job) => {
    running += 1;
    most = Math.max(most, running);
    if (running === 4) {
      full.resolve();
    }
    await full.promise;
    await job.delete();
    running -= 1;
    stop.tick();
  }, { signal: stop.signal });
  assert.equal(most, 4);
});

onBoth('it waits for jobs of all its tubes, and of no others', async (t, uri) => {
  const mail = producer(t, uri);
  const stop = stopAfter(2);
  const seen = [];
  const receiving = consumer(t, uri, ['one', 'two']).receive(async (job) => {
    seen.push(job.text());
    await job.delete();
    stop.tick();
  }, { signal: stop.signal });
  await mail.put('other', 'no');
  await mail.put('one', '1');
  await mail.put('two', '2');
  await receiving;
  assert.deepEqual(seen.sort(), ['1', '2']);
});

test('without tubes it watches the one named default', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('default', 'x');
  const stop = stopAfter(1);
  for (const work of [consumer(t, uri), consumer(t, uri, [])]) {
    if (stop.signal.aborted) {
      break;
    }
    await work.receive(async (job) => {
      await job.delete();
      stop.tick();
    }, { signal: stop.signal });
  }
});

onBoth('a handler that throws, rejects or forgets its job has it released later', async (t, uri) => {
  const mail = producer(t, uri);
  const work = consumer(t, uri, 'mail', { failure: { delay: 100 } });
  const errors = [];
  work.on('error', (error, details) => errors.push([error, details]));
  const jobs = [];
  for (const body of ['throws', 'rejects', 'forgets', 'throws undefined']) {
    jobs.push(await mail.put('mail', body));
  }
  const stop = stopAfter(4);
  const handlers = {
    forgets() {},
    rejects: () => Promise.reject(new Error('rejects')),
    throws() {
      throw new Error('throws');
    },
    'throws undefined'() {
      throw undefined;
    },
  };
  const report = await work.receive((job) => {
    stop.tick();
    return handlers[job.text()]();
  }, { signal: stop.signal });
  assert.deepEqual(report, { abandoned: 0, failed: 3, handled: 4 });
  assert.deepEqual(errors.map(([error]) => error?.message).sort(), ['rejects', 'throws', undefined]);
  for (const [, details] of errors) {
    assert.equal(details.during, 'handler');
    assert.equal(details.server, jobs[0].server);
    assert.ok(jobs.some(({ id }) => id === details.id));
  }
  const direct = connection(t, uri);
  for (const { id } of jobs) {
    const { delay, releases, state } = await direct.statsJob(id);
    assert.deepEqual([delay, releases, state], [100, 1, 'delayed']);
  }
});

onBoth('a job that has had all its attempts is buried, or goes to the dead letters', async (t, uri) => {
  const mail = producer(t, uri);
  const direct = connection(t, uri);
  for (const deadLetter of [undefined, 'dead']) {
    const { id } = await mail.put('mail', 'poison', { priority: 7 });
    const stop = stopAfter(3);
    const failure = { deadLetter, delay: 0, maxAttempts: 3 };
    const work = consumer(t, uri, 'mail', { failure });
    const fails = [];
    work.on('fail', (event) => fails.push(event));
    work.on('error', () => {});
    await work.receive(async () => {
      stop.tick();
      throw new Error('poison');
    }, { signal: stop.signal });
    await work.close();
    assert.deepEqual(fails.map(({ action }) => action), [
      'released', 'released', deadLetter === undefined ? 'buried' : 'dead-lettered',
    ]);
    if (deadLetter === undefined) {
      assert.equal((await direct.statsJob(id)).state, 'buried');
      await direct.delete(id);
    } else {
      assert.deepEqual(fails.at(-1), {
        action: 'dead-lettered', delay: undefined, id, server: fails[0].server, tube: 'dead',
      });
      assert.equal((await direct.peekReady('dead')).body.toString(), 'poison');
      await assert.rejects(direct.statsJob(id), { code: 'NOT_FOUND' });
    }
  }
});

test('a handler that finishes twice is told so, and the job is finished once', async (t) => {
  const { uri } = await serve(t);
  const { id } = await producer(t, uri).put('mail', 'x');
  const stop = stopAfter(1);
  let codes;
  const report = await consumer(t, uri, 'mail').receive(async (job) => {
    const calls = [
      job.delete(), job.delete(), job.release(), job.bury(), job.fail(), job.touch(), job.stats(),
    ];
    codes = (await Promise.allSettled(calls)).map(({ reason }) => reason?.code);
    assert.equal(job.isFinished, true);
    stop.tick();
  }, { signal: stop.signal });
  assert.deepEqual(codes, [undefined, ...Array(6).fill('JOB_FINISHED')]);
  assert.deepEqual(report, { abandoned: 0, failed: 0, handled: 1 });
  await assert.rejects(connection(t, uri).statsJob(id), { code: 'NOT_FOUND' });
});

test('a handler that throws after it has finished its job has failed, and the job is finished', async (t) => {
  const { uri } = await serve(t);
  const { id } = await producer(t, uri).put('mail', 'x');
  const stop = stopAfter(1);
  const work = consumer(t, uri, 'mail');
  work.on('error', () => {});
  const report = await work.receive(async (job) => {
    await job.delete();
    stop.tick();
    throw new Error('afterwards');
  }, { signal: stop.signal });
  assert.deepEqual(report, { abandoned: 0, failed: 1, handled: 1 });
  await assert.rejects(connection(t, uri).statsJob(id), { code: 'NOT_FOUND' });
});

test('a call that the handler did not wait for is not a failure', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'x');
  const stop = stopAfter(1);
  let deleting;
  const work = consumer(t, uri, 'mail');
  work.on('fail', () => assert.fail('it was deleted'));
  await work.receive((job) => {
    deleting = job.delete();
    stop.tick();
  }, { signal: stop.signal });
  await deleting;
});

test('handlers run to their end when it is stopped, and get no new jobs', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  await mail.put('mail', 'first');
  const stop = new AbortController();
  const [started, release] = [deferred(), deferred()];
  const receiving = consumer(t, uri, 'mail', { concurrency: 5, prefetch: 5 }).receive(async (job) => {
    started.resolve();
    await release.promise;
    await job.delete();
  }, { signal: stop.signal });
  await started.promise;
  stop.abort();
  const second = await mail.put('mail', 'second');
  release.resolve();
  assert.deepEqual(await receiving, { abandoned: 0, failed: 0, handled: 1 });
  // A reserve that was waiting may have won it at the last moment; it goes back by itself then.
  await untilReady(connection(t, uri), second.id);
});

test('what was reserved ahead of handlers goes back unharmed', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  const jobs = await mail.putMany(Array.from({ length: 10 }, () => ({ body: 'x', tube: 'mail' })));
  const stop = new AbortController();
  const direct = connection(t, uri);
  const work = consumer(t, uri, 'mail', { concurrency: 1, prefetch: 5 });
  const report = await work.receive(async (job) => {
    // Not before more are reserved than there are handlers.
    while ((await direct.statsTube('mail')).currentJobsReserved < 2) {
      await new Promise(setImmediate);
    }
    await job.delete();
    stop.abort();
  }, { signal: stop.signal });
  assert.equal(report.handled, 1);
  await work.close();
  for (const { id } of jobs.slice(1)) {
    assert.equal((await direct.statsJob(id)).state, 'ready');
  }
});

test('handlers that hang are stopped by force after the drain timeout', async (t) => {
  const { uri } = await serve(t);
  const { id } = await producer(t, uri).put('mail', 'x');
  const stop = new AbortController();
  let job;
  const receiving = consumer(t, uri, 'mail').receive((it) => {
    job = it;
    stop.abort();
    return new Promise(() => {});
  }, { drainTimeout: 10, signal: stop.signal });
  assert.deepEqual(await receiving, { abandoned: 1, failed: 0, handled: 0 });
  const error = await rejection(job.delete());
  assert.equal(error.code, 'JOB_LOST');
  assert.match(error.message, /given back/);
  assert.equal(job.isLost, true);
  assert.equal(job.signal.aborted, true);
  await untilReady(connection(t, uri), id);
});

test('a stop by force gives jobs back at once, and tells their handlers', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'x');
  const force = new AbortController();
  const told = deferred();
  const receiving = consumer(t, uri, 'mail').receive((job) => {
    job.signal.addEventListener('abort', () => told.resolve(job.signal.reason));
    force.abort();
    return new Promise(() => {});
  }, { force: force.signal });
  assert.deepEqual(await receiving, { abandoned: 1, failed: 0, handled: 0 });
  assert.equal((await told.promise).code, 'JOB_LOST');
});

test('a handler that ends after it was stopped by force changes nothing', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'x');
  const force = new AbortController();
  const late = deferred();
  const work = consumer(t, uri, 'mail');
  work.on('error', () => assert.fail('nobody waits for it any more'));
  const report = await work.receive(async () => {
    force.abort();
    await late.promise;
  }, { force: force.signal });
  late.reject(new Error('late'));
  await new Promise(setImmediate);
  assert.deepEqual(report, { abandoned: 1, failed: 0, handled: 0 });
});

test('a signal that has aborted before handles nothing', async (t) => {
  const { uri } = await serve(t);
  await producer(t, uri).put('mail', 'x');
  const nothing = { abandoned: 0, failed: 0, handled: 0 };
  const work = consumer(t, uri, 'mail');
  const fail = () => assert.fail('it must not be called');
  assert.deepEqual(await work.receive(fail, { signal: AbortSignal.abort() }), nothing);
  assert.deepEqual(await work.receive(fail, { force: AbortSignal.abort() }), nothing);
});

test('a signal that aborts while the consumer is being opened stops it', async (t) => {
  const { uri } = await serve(t);
  const stop = new AbortController();
  const receiving = consumer(t, uri, 'mail').receive(() => {}, { signal: stop.signal });
  stop.abort();
  assert.deepEqual(await receiving, { abandoned: 0, failed: 0, handled: 0 });
});

test('it may be called again, also at the same time', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  const work = consumer(t, uri, 'mail', { concurrency: 1 });
  for (let round = 0; round < 3; round += 1) {
    await mail.putMany([{ body: 'x', tube: 'mail' }, { body: 'y', tube: 'mail' }]);
    const stop = stopAfter(2);
    const both = deferred();
    let running = 0;
    // Each has a handler of its own, or they would wait for each other for ever.
    const handler = async (job) => {
      running += 1;
      if (running === 2) {
        both.resolve();
      }
      await both.promise;
      await job.delete();
      stop.tick();
    };
    const options = { signal: stop.signal };
    const reports = await Promise.all([work.receive(handler, options), work.receive(handler, options)]);
    assert.equal(reports[0].handled + reports[1].handled, 2);
  }
});

test('a close ends it: idle handlers at once, busy ones when they are done', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  const work = consumer(t, uri, 'mail');
  const idle = work.receive(() => {});
  await work.ready();
  const started = deferred();
  const release = deferred();
  const busy = new Consumer(uri, 'mail');
  const receiving = busy.receive(async (job) => {
    started.resolve();
    await release.promise;
    await job.delete();
  });
  await work.close();
  assert.equal((await idle).handled, 0);
  await mail.put('mail', 'x');
  await started.promise;
  const closing = busy.close();
  release.resolve();
  assert.deepEqual(await closing, { abandonedJobs: 0, abandonedOperations: 0 });
  assert.deepEqual(await receiving, { abandoned: 0, failed: 0, handled: 1 });
});

test('a close without patience stops handlers by force, and a second one may hurry', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  for (const close of [
    (work) => work.close({ force: true }),
    (work) => work.close({ timeout: 10 }),
    (work) => {
      work.close();
      return work.close({ force: true });
    },
  ]) {
    await mail.put('mail', 'x');
    const work = new Consumer(uri, 'mail');
    const started = deferred();
    const receiving = work.receive((job) => {
      started.resolve(job);
      return new Promise(() => {});
    });
    const job = await started.promise;
    await close(work);
    assert.deepEqual(await receiving, { abandoned: 1, failed: 0, handled: 0 });
    assert.notEqual((await rejection(job.delete())).code, undefined);
    const direct = connection(t, uri);
    const again = await direct.reserveJob(job.id);
    await again.delete();
  }
});

test('a closed consumer receives no more', async (t) => {
  const { uri } = await serve(t);
  const work = consumer(t, uri, 'mail');
  await work.ready();
  await work.close();
  assert.equal((await rejection(work.receive(() => {}))).code, 'CLOSED');
  assert.deepEqual(await work.jobs().next(), { done: true, value: undefined });
});

test('why it could not be opened is what receive rejects with', async (t) => {
  const work = consumer(t, 'x:y:z', 'mail');
  assert.equal((await rejection(work.receive(() => {}))).code, 'INVALID_URI');
});

test('jobs come again after the connection was lost', async (t) => {
  const server = await serve(t);
  const mail = producer(t, server.uri);
  const work = consumer(t, server.uri, 'mail', {
    concurrency: 1, reconnectMax: 5, reconnectMin: 1, ...QUIET,
  });
  const stop = stopAfter(2);
  const [first, lost] = [deferred(), once(work, 'lost')];
  const seen = [];
  const receiving = work.receive(async (job) => {
    seen.push(job.text());
    if (seen.length === 1) {
      first.resolve(job);
      await once(job.signal, 'abort');
      stop.tick();
      return;
    }
    await job.delete();
    stop.tick();
  }, { signal: stop.signal });
  const { id } = await mail.put('mail', 'x');
  const job = await first.promise;
  server.cutAfterReceived(0);
  await rejection(job.touch());
  const [event] = await lost;
  assert.deepEqual(event, { id, reason: 'disconnected', server: server.uri });
  assert.equal((await receiving).handled, 2);
  assert.deepEqual(seen, ['x', 'x']);
});

test('a job whose TTR ends is lost to its handler', async (t) => {
  const server = await serve(t);
  await producer(t, server.uri).put('mail', 'x', { ttr: 60 });
  const stop = stopAfter(1);
  const work = consumer(t, server.uri, 'mail', { concurrency: 1 });
  const lost = once(work, 'lost');
  let code;
  const receiving = work.receive(async (job) => {
    stop.tick();
    const { signal } = job;
    server.advance(60);
    // It is known from the server's own statistics, or from a touch that finds nothing.
    await rejection(job.touch());
    code = signal.reason?.code;
    if (!signal.aborted) {
      await once(signal, 'abort');
      code = signal.reason.code;
    }
  }, { signal: stop.signal });
  const [{ reason }] = await lost;
  await receiving;
  assert.equal(reason, 'not-found');
  assert.equal(code, 'JOB_LOST');
});

test('autoTouch keeps a job for as long as its handler runs', async (t) => {
  const server = await serve(t);
  await producer(t, server.uri).put('mail', 'x', { ttr: 2 });
  const direct = connection(t, server.uri);
  const stop = stopAfter(1);
  const work = consumer(t, server.uri, 'mail', { autoTouch: true });
  const report = await work.receive(async (job) => {
    const before = (await direct.stats()).cmdTouch;
    while ((await direct.stats()).cmdTouch === before) {
      await new Promise(setImmediate);
    }
    await job.delete();
    stop.tick();
  }, { signal: stop.signal });
  assert.deepEqual(report, { abandoned: 0, failed: 0, handled: 1 });
});
