'use strict';

// What nobody refers to any more is let go of, once it is collected.

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { connection, run, serve } = require('../support');

const script = (body) => `
  const { Connection, Consumer, Producer, startServer } = require('.');
  const { URI } = process.env;
  (async () => {
    const direct = new Connection(URI);
    await direct.ready();
    const until = async (test) => {
      while (!await test()) {
        // What was looked at is kept until the event loop has come round.
        await new Promise((resolve) => setTimeout(resolve, 2));
        globalThis.gc();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    ${body}
  })();
`;

async function runs(t, body) {
  const { uri } = await serve(t);
  const { code, stderr, stdout } = await run(script(body), { env: { URI: uri }, node: ['--expose-gc'] });
  assert.deepEqual([code, stdout], [0, 'done\n'], stderr);
  return connection(t, uri);
}

test('a job that was pulled and forgotten counts as failed', async (t) => {
  const direct = await runs(t, `
    const work = new Consumer(URI, 'mail', { failure: { delay: 77 } });
    const { id } = await direct.put('mail', 'x');
    const jobs = work.jobs();
    await (async () => {
      const { value: job } = await jobs.next();
      // Whoever listens to it has the job in hand, and that alone does not keep it.
      job.signal.addEventListener('abort', () => job.text());
      job.isLost;
    })();
    await until(async () => (await direct.statsJob(id)).state === 'delayed');
    await jobs.return();
    await work.close();
    console.log('done');
  `);
  const { delay, releases } = await direct.statsJob(1);
  assert.deepEqual([delay, releases], [77, 1]);
});

test('a job that is referred to is kept', async (t) => {
  await runs(t, `
    const work = new Consumer(URI, 'mail');
    const { id } = await direct.put('mail', 'x');
    const { value: job } = await work.jobs().next();
    for (let n = 0; n < 20; n += 1) {
      globalThis.gc();
      await direct.listTubes();
    }
    await job.delete();
    console.log('done');
  `);
});

test('clients that are forgotten are closed, whatever became of them', async (t) => {
  await runs(t, `
    const before = (await direct.stats()).currentConnections;
    await (async () => {
      await new Producer(URI, { logger: { info() {}, error() {} } }).put('mail', 'x');
      const mail = new Producer(URI);
      mail.on('connect', () => mail.isConnected);
      await mail.ready();
      await new Consumer(URI, 'mail').ready();
      await new Connection(URI).ready();
      const work = new Consumer(URI, 'mail');
      for await (const job of work) {
        await job.delete();
        break;
      }
      new Producer(URI);
    })();
    await until(async () => (await direct.stats()).currentConnections === before);
    console.log('done');
  `);
});

test('a consumer that is iterated or receives is kept', async (t) => {
  await runs(t, `
    const next = new Consumer(URI, 'one').jobs().next();
    const stop = new AbortController();
    const receiving = new Consumer(URI, 'two').receive(async (job) => {
      await job.delete();
      stop.abort();
    }, { signal: stop.signal });
    for (let n = 0; n < 20; n += 1) {
      globalThis.gc();
      await direct.listTubes();
    }
    await direct.put('one', 'x');
    await direct.put('two', 'x');
    await (await next).value.delete();
    await receiving;
    console.log('done');
  `);
});

test('a client is kept as long as a job of it is in hand, or a call under way', async (t) => {
  await runs(t, `
    const isKept = async (reference) => {
      for (let n = 0; n < 20; n += 1) {
        globalThis.gc();
        await direct.listTubes();
      }
      return reference.deref() !== undefined;
    };
    const pulls = [
      async () => {
        const work = new Consumer(URI, 'default');
        return [(await work.jobs().next()).value, new WeakRef(work)];
      },
      async () => {
        const connection = new Connection(URI);
        return [await connection.reserve(), new WeakRef(connection)];
      },
    ];
    for (const pull of pulls) {
      await direct.put('default', 'x');
      const [job, reference] = await pull();
      if (!await isKept(reference)) console.log('lost with its job');
      await job.delete();
      await until(() => reference.deref() === undefined);
    }

    const silent = new AbortController();
    for (const call of [
      (mail) => mail.putMany([{ tube: 'mail', body: 'x' }], { signal: silent.signal }),
      (mail) => mail.put('mail', 'x', { signal: silent.signal }),
    ]) {
      const [calling, reference] = (() => {
        const mail = new Producer('127.0.0.1:1');
        return [call(mail).catch((reason) => reason), new WeakRef(mail)];
      })();
      if (!await isKept(reference)) console.log('lost with its call');
      globalThis.calling = calling;
    }
    silent.abort();
    console.log('done');
  `);
});

test('a server that nobody refers to runs on', async (t) => {
  await runs(t, `
    const { uri } = await startServer();
    for (let n = 0; n < 20; n += 1) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await new Connection(uri).stats();
    console.log('done');
  `);
});
