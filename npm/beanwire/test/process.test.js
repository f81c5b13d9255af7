'use strict';

// When a process ends, and when it does not.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');

const { connection, freePort, launch, producer, run, serve } = require('./support');

/** Scripts of one async function each, with everything at hand. */
function script(body) {
  return `
    const { once } = require('node:events');
    const { Connection, Consumer, Producer, startServer } = require('.');
    const { URI } = process.env;
    (async () => {${body}})();
  `;
}

async function untilWaiting(direct, count = 1) {
  while ((await direct.stats()).currentWaiting < count) {
    await new Promise(setImmediate);
  }
}

describe('a process ends by itself', () => {
  const scripts = {
    'that loads the package': '',
    'that makes clients and does nothing with them':
      "new Producer(URI); new Consumer(URI, 'mail'); new Connection(URI);",
    'that makes a client of nothing': "new Producer('127.0.0.1:1'); new Producer('x:y:z');",
    'that has put': "await new Producer(URI).put('mail', 'x');",
    'that has put many': "await new Producer(URI).putMany([{ tube: 'mail', body: 'x' }]);",
    'that has put and closed':
      "const mail = new Producer(URI); await mail.put('mail', 'x'); await mail.close();",
    'whose put has failed':
      "await new Producer('127.0.0.1:1').put('mail', 'x', { timeout: 1 }).catch(() => {});",
    'whose put was given up': `
      const stop = new AbortController();
      const put = new Producer('127.0.0.1:1').put('mail', 'x', { signal: stop.signal });
      stop.abort();
      await put.catch(() => {});`,
    'that has run a command': 'await new Connection(URI).stats();',
    'that has given a reserve up': `
      const direct = new Connection(URI);
      await direct.ready();
      await direct.reserve({ timeout: 10 }).catch(() => {});`,
    'that holds a job': `
      const direct = new Connection(URI);
      await direct.put('default', 'x');
      globalThis.job = await direct.reserve();
      job.signal.addEventListener('abort', () => {});`,
    'that has received': `
      const work = new Consumer(URI, 'mail', { logger: { info() {}, error() {} } });
      await new Producer(URI).put('mail', 'x');
      const stop = new AbortController();
      await work.receive(async (job) => {
        await job.delete();
        stop.abort();
      }, { signal: stop.signal });`,
    'that has left a loop of jobs': `
      await new Producer(URI).put('mail', 'x');
      for await (const job of new Consumer(URI, 'mail', { prefetch: 3 })) {
        await job.delete();
        break;
      }`,
    'that listens to events':
      "const mail = new Producer(URI); mail.on('connect', () => {}); await mail.ready();",
    'that has a server': `
      const server = await startServer();
      await new Producer(server.uri).put('mail', 'x');`,
  };
  for (const [name, body] of Object.entries(scripts)) {
    test(name, async (t) => {
      const { uri } = await serve(t);
      const { code, stderr, stdout } = await run(script(`${body} console.log('last line');`), {
        env: { URI: uri },
      });
      assert.deepEqual({ code, stderr, stdout }, { code: 0, stderr: '', stdout: 'last line\n' });
    });
  }
});

describe('a process stays', () => {
  test('while it receives, until the signal for that', async (t) => {
    const { uri } = await serve(t);
    const direct = connection(t, uri);
    const { child, ended, said } = launch(t, script(`
      const stop = new AbortController();
      process.once('SIGTERM', () => stop.abort());
      const report = await new Consumer(URI, 'mail').receive(async (job) => {
        await job.delete();
        console.log('handled');
      }, { signal: stop.signal });
      console.log(JSON.stringify(report));
    `), { URI: uri });
    await untilWaiting(direct);
    await direct.put('mail', 'x');
    await said('handled\n');
    await untilWaiting(direct);
    child.kill('SIGTERM');
    const { code, signal, stdout } = await ended;
    assert.deepEqual([code, signal], [0, null]);
    assert.match(stdout, /\{"handled":1,"failed":0,"abandoned":0\}/);
  });

  test('while a handler does nothing that keeps it alive', async (t) => {
    const { uri } = await serve(t);
    await producer(t, uri).put('mail', 'x');
    const { child, ended, said } = launch(t, script(`
      new Consumer(URI, 'mail', { concurrency: 1 }).receive(() => {
        console.log('started');
        return new Promise(() => {});
      });
    `), { URI: uri });
    await said('started');
    child.kill('SIGTERM');
    assert.equal((await ended).signal, 'SIGTERM');
  });

  const waits = {
    'while it waits for the next job of a loop': `
      for await (const job of new Consumer(URI, 'default')) {
        await job.delete();
        break;
      }`,
    'while it waits in a reserve': 'await (await new Connection(URI).reserve()).delete();',
    'while it waits in a reserve with a timeout':
      'await (await new Connection(URI).reserveWithTimeout(1000)).delete();',
  };
  for (const [name, body] of Object.entries(waits)) {
    test(name, async (t) => {
      const { uri } = await serve(t);
      const direct = connection(t, uri);
      const { ended } = launch(t, script(`${body} console.log('last line');`), { URI: uri });
      await untilWaiting(direct);
      await direct.put('default', 'x');
      const { code, stdout } = await ended;
      assert.deepEqual([code, stdout], [0, 'last line\n']);
    });
  }

  test('while a put waits for a server', async (t) => {
    const port = await freePort();
    const { ended, said } = launch(t, script(`
      const mail = new Producer(URI, { reconnectMin: 1, reconnectMax: 10 });
      mail.once('error', () => console.log('no server'));
      console.log((await mail.put('mail', 'x')).state);
    `), { URI: `127.0.0.1:${port}` });
    await said('no server');
    await serve(t, { port });
    const { code, stdout } = await ended;
    assert.deepEqual([code, stdout], [0, 'no server\nready\n']);
  });

  test('while it closes', async (t) => {
    const { uri } = await serve(t);
    const { code, stdout } = await run(script(`
      const mail = new Producer(URI);
      await mail.ready();
      for (let n = 0; n < 1000; n += 1) mail.put('mail', 'x');
      mail.close().then((report) => console.log(JSON.stringify(report)));
    `), { env: { URI: uri } });
    assert.deepEqual([code, stdout], [0, '{"abandonedOperations":0,"abandonedJobs":0}\n']);
  });
});

test('a worker that is told to end finishes its job, takes no other, and ends', async (t) => {
  const { uri } = await serve(t);
  const direct = connection(t, uri);
  await direct.put('mail', 'first');
  const { child, ended, said } = launch(t, script(`
    const work = new Consumer(URI, 'mail', { concurrency: 1 });
    const stop = new AbortController();
    const told = once(process, 'SIGTERM').then(() => stop.abort());
    const report = await work.receive(async (job) => {
      console.log('started');
      await told;
      await new Promise(setImmediate);
      await job.delete();
      console.log('done');
    }, { signal: stop.signal });
    await work.close();
    console.log(JSON.stringify(report));
  `), { URI: uri });
  await said('started');
  const second = await direct.put('mail', 'second');
  child.kill('SIGTERM');
  const { code, signal, stdout } = await ended;
  assert.deepEqual([code, signal], [0, null]);
  assert.equal(stdout, 'started\ndone\n{"handled":1,"failed":0,"abandoned":0}\n');
  const { currentJobsReady, currentJobsReserved } = await direct.statsTube('mail');
  assert.deepEqual([currentJobsReady, currentJobsReserved], [1, 0]);
  assert.equal((await direct.peek(second.id)).body.toString(), 'second');
});

test('a worker whose handler hangs is ended by the second signal, and its job goes back', async (t) => {
  const { uri } = await serve(t);
  const direct = connection(t, uri);
  const { id } = await direct.put('mail', 'x');
  const { child, ended, said } = launch(t, script(`
    const work = new Consumer(URI, 'mail');
    const [stop, force] = [new AbortController(), new AbortController()];
    process.on('SIGTERM', () => {
      console.log(stop.signal.aborted ? 'force' : 'stop');
      (stop.signal.aborted ? force : stop).abort();
    });
    const report = await work.receive(() => {
      console.log('started');
      return new Promise(() => {});
    }, { signal: stop.signal, force: force.signal });
    await work.close();
    console.log(JSON.stringify(report));
  `), { URI: uri });
  await said('started');
  child.kill('SIGTERM');
  await said('stop');
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  assert.equal(code, 0);
  assert.match(stdout, /force\n\{"handled":0,"failed":0,"abandoned":1\}/);
  const { releases, state } = await direct.statsJob(id);
  assert.deepEqual([releases, state], [0, 'ready']);
});

test('process.exit amid puts and handlers is an exit', async (t) => {
  const { uri } = await serve(t);
  const { code, signal, stderr } = await run(script(`
    const mail = new Producer(URI);
    new Consumer(URI, 'mail').receive(() => new Promise(() => {}));
    await mail.put('mail', 'x');
    for (let n = 0; n < 1000; n += 1) mail.put('mail', 'x');
    setImmediate(() => process.exit(7));
  `), { env: { URI: uri } });
  assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' });
});

test('a rejection that nobody handles is of the call, and of no other', async (t) => {
  const { uri } = await serve(t);
  const { code, stderr } = await run(script(`
    const mail = new Producer(URI);
    mail.put('no name', 'x');
  `), { env: { URI: uri } });
  assert.equal(code, 1);
  assert.match(stderr, /RangeError: tube: "no name" is not allowed/);
});

test('two copies of the package work next to each other', async (t) => {
  const { uri } = await serve(t);
  const { code, stderr, stdout } = await run(`
    const one = require('.');
    for (const key of Object.keys(require.cache)) {
      if (key.endsWith('.js')) delete require.cache[key];
    }
    const two = require('.');
    (async () => {
      console.log(one.Producer === two.Producer);
      const put = (it) => new it.Producer(process.env.URI).put('mail', 'x');
      const jobs = await Promise.all([put(one), put(two), put(one), put(two)]);
      console.log(new Set(jobs.map(({ id }) => id)).size);
    })();
  `, { env: { URI: uri } });
  assert.deepEqual([code, stdout], [0, 'false\n4\n'], stderr);
});

test('fake timers of a test do not stop it', async (t) => {
  const { uri } = await serve(t);
  const { code, stderr, stdout } = await run(`
    const { Consumer, Producer } = require('.');
    for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) {
      globalThis[name] = () => {
        throw new Error('fake ' + name);
      };
    }
    process.nextTick = () => {
      throw new Error('fake nextTick');
    };
    (async () => {
      const mail = new Producer(process.env.URI);
      await mail.put('mail', 'x');
      await mail.ready({ timeout: 1000 });
      const work = new Consumer(process.env.URI, 'mail');
      const stop = new AbortController();
      const report = await work.receive(async (job) => {
        await job.delete();
        stop.abort();
      }, { signal: stop.signal });
      await Promise.all([mail.close(), work.close()]);
      process.stdout.write(String(report.handled));
    })();
  `, { env: { URI: uri } });
  assert.deepEqual([code, stdout], [0, '1'], stderr);
});

test('timers and sockets of others are served amid a stream of puts', async (t) => {
  const { uri } = await serve(t);
  const mail = producer(t, uri);
  await mail.ready();
  let ended = false;
  const puts = Array.from({ length: 100 }, async () => {
    while (!ended) {
      await mail.put('mail', 'x');
    }
  });
  for (let n = 0; n < 20; n += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
  ended = true;
  await Promise.all(puts);
});

describe('in worker threads', () => {
  const threads = (count, body) => `
    const { Worker } = require('node:worker_threads');
    const body = async () => {${body}};
    (async () => {
      const ends = Array.from({ length: ${count} }, () => new Promise((resolve, reject) => {
        const source = "const { parentPort } = require('node:worker_threads');"
          + "const { Consumer, Producer } = require(process.cwd()); const { URI } = process.env;"
          + '(' + body + ')();';
        const worker = new Worker(source, { eval: true });
        worker.on('message', (message) => message === 'terminate' && worker.terminate());
        worker.on('error', reject).on('exit', resolve);
      }));
      console.log((await Promise.all(ends)).join(' '));
    })();
  `;

  test('each works for itself, and ends by itself', async (t) => {
    const { uri } = await serve(t);
    const { code, stderr, stdout } = await run(threads(4, `
      const mail = new Producer(URI);
      await Promise.all(Array.from({ length: 100 }, () => mail.put('mail', 'x')));
      let handled = 0;
      const stop = new AbortController();
      await new Consumer(URI, 'mail').receive(async (job) => {
        await job.delete();
        handled += 1;
        if (handled === 50) stop.abort();
      }, { signal: stop.signal });
    `), { env: { URI: uri } });
    assert.deepEqual([code, stdout], [0, '0 0 0 0\n'], stderr);
    assert.equal((await connection(t, uri).stats()).totalJobs, 400);
  });

  test('one that is ended amid work takes nobody with it', async (t) => {
    const { uri } = await serve(t);
    const { code, stderr, stdout } = await run(threads(4, `
      const mail = new Producer(URI);
      new Consumer(URI, 'mail').receive(() => new Promise(() => {}));
      await mail.put('mail', 'x');
      for (let n = 0; n < 1000; n += 1) mail.put('mail', 'x');
      parentPort.postMessage('terminate');
    `), { env: { URI: uri } });
    assert.deepEqual([code, stdout], [0, '1 1 1 1\n'], stderr);
  });
});
