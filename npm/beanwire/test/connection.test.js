'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { Connection, Job } = require('..');
const {
  ROOT, beanstalkd, connection, onBoth, rejection, scripted, serve,
} = require('./support');

onBoth('tubes are used, watched and ignored', async (t, uri) => {
  const direct = connection(t, uri);
  assert.equal(await direct.listTubeUsed(), 'default');
  assert.equal(await direct.useTube('mail'), undefined);
  assert.equal(await direct.listTubeUsed(), 'mail');
  assert.equal(await direct.watch('mail'), 2);
  assert.equal(await direct.watch('mail'), 2);
  assert.deepEqual((await direct.listTubesWatched()).sort(), ['default', 'mail']);
  assert.equal(await direct.ignore('default'), 1);
  await assert.rejects(direct.ignore('mail'), { code: 'NOT_IGNORED' });
  assert.deepEqual((await direct.listTubes()).sort(), ['default', 'mail']);
});

onBoth('a job goes through its life', async (t, uri) => {
  const direct = connection(t, uri);
  await direct.watch('mail');
  const put = await direct.put('mail', 'hello', { delay: 0, priority: 3, ttr: 50 });
  assert.deepEqual(put, { id: put.id, server: uri, state: 'ready' });
  const { id } = put;
  assert.deepEqual(await direct.peek(id), { body: Buffer.from('hello'), id });
  assert.deepEqual(await direct.peek(Number(id)), { body: Buffer.from('hello'), id });
  assert.deepEqual(await direct.peekReady('mail'), { body: Buffer.from('hello'), id });
  assert.equal(await direct.peekDelayed('mail'), null);
  assert.equal(await direct.peekBuried('mail'), null);

  const job = await direct.reserve();
  assert.ok(job instanceof Job);
  assert.equal(job.id, id);
  assert.equal(await direct.touch(id), undefined);
  assert.equal(await direct.release(id, { delay: 100, priority: 4 }), undefined);
  assert.deepEqual(await direct.peekDelayed('mail'), { body: Buffer.from('hello'), id });
  assert.equal(await direct.kickJob(id), undefined);
  assert.equal((await direct.statsJob(id)).priority, 4);

  assert.equal((await direct.reserveJob(id)).id, id);
  assert.equal(await direct.bury(id, { priority: 5 }), undefined);
  assert.deepEqual(await direct.peekBuried('mail'), { body: Buffer.from('hello'), id });
  assert.equal(await direct.kick('mail', 10), 1);
  assert.equal(await direct.kick('mail', 10), 0);

  assert.equal((await direct.reserveWithTimeout(1)).id, id);
  assert.equal(await direct.release(id), undefined);
  assert.equal((await direct.statsJob(id)).priority, 1024);
  assert.equal(await direct.delete(id), undefined);
  assert.equal(await direct.reserveWithTimeout(0), null);
  const calls = [
    direct.peek(id), direct.delete(id), direct.release(id), direct.bury(id), direct.touch(id),
    direct.kickJob(id), direct.statsJob(id), direct.reserveJob(id),
  ];
  for (const error of await Promise.all(calls.map(rejection))) {
    assert.deepEqual([error.code, error.outcome], ['NOT_FOUND', 'rejected']);
  }
});

onBoth('a tube is paused, and told of', async (t, uri) => {
  const direct = connection(t, uri);
  await direct.watch('mail');
  await direct.put('mail', 'x', { priority: 1 });
  assert.equal(await direct.pauseTube('mail', 99.5), undefined);
  const stats = await direct.statsTube('mail');
  assert.equal(stats.pause, 100);
  assert.ok(stats.pauseTimeLeft > 90 && stats.pauseTimeLeft <= 100);
  assert.deepEqual({ ...stats, pause: 0, pauseTimeLeft: 0 }, {
    cmdDelete: 0, cmdPauseTube: 1, currentJobsBuried: 0, currentJobsDelayed: 0, currentJobsReady: 1,
    currentJobsReserved: 0, currentJobsUrgent: 1, currentUsing: 1, currentWaiting: 0,
    currentWatching: 1, name: 'mail', other: {}, pause: 0, pauseTimeLeft: 0, totalJobs: 1,
  });
  assert.equal(await direct.reserveWithTimeout(0), null);
  await direct.pauseTube('mail', 0);
  assert.notEqual(await direct.reserveWithTimeout(0), null);
  await assert.rejects(direct.pauseTube('nowhere', 1), { code: 'NOT_FOUND' });
  await assert.rejects(direct.statsTube('nowhere'), { code: 'NOT_FOUND' });
});

onBoth('statistics of the server have the types that are promised', async (t, uri) => {
  const direct = connection(t, uri);
  const stats = await direct.stats();
  const texts = ['hostname', 'id', 'os', 'platform', 'version'];
  for (const [name, value] of Object.entries(stats)) {
    const type = name === 'draining' ? 'boolean' : name === 'other' ? 'object'
      : texts.includes(name) ? 'string' : 'number';
    assert.equal(typeof value, type, name);
  }
  assert.equal(stats.maxJobSize, 65_535);
  assert.equal(stats.draining, false);
});

onBoth('statistics have all the names of the types, and no others', async (t, uri) => {
  const direct = connection(t, uri);
  const { id } = await direct.put('mail', 'x');
  assert.deepEqual(Object.keys(await direct.stats()).sort(), fields('ServerStats'));
  assert.deepEqual(Object.keys(await direct.statsTube('mail')).sort(), fields('TubeStats'));
  assert.deepEqual(Object.keys(await direct.statsJob(id)).sort(), fields('JobStats'));
});

/** The fields of an interface of the types. */
function fields(name) {
  const types = fs.readFileSync(path.join(ROOT, 'lib/stats.d.ts'), 'utf8');
  const [, body] = new RegExp(`export interface ${name} \\{(.*?)^\\}`, 'ms').exec(types);
  return [...body.matchAll(/^ {2}(\w+): /gm)].map(([, field]) => field).sort();
}

onBoth('commands run in the order of their calls, also before it is open', async (t, uri) => {
  const direct = connection(t, uri);
  const calls = [
    direct.useTube('one'), direct.listTubeUsed(), direct.useTube('two'), direct.listTubeUsed(),
    direct.watch('one'), direct.watch('two'), direct.listTubesWatched(),
  ];
  const [, one, , two, ...watched] = await Promise.all(calls);
  assert.deepEqual([one, two], ['one', 'two']);
  assert.deepEqual(watched, [2, 3, ['default', 'one', 'two']]);
});

onBoth('what waits in a reserve comes when it is put', async (t, uri) => {
  const [waiting, other] = [connection(t, uri), connection(t, uri)];
  const reserving = waiting.reserve();
  const { id } = await other.put('default', 'x');
  const job = await reserving;
  assert.equal(job.id, id);
  await job.delete();
});

test('a reserve that is given up wins no job', async (t) => {
  const { uri } = await serve(t);
  const [waiting, other] = [connection(t, uri), connection(t, uri)];
  await waiting.ready();
  const stop = new AbortController();
  const reserving = rejection(waiting.reserve({ signal: stop.signal }));
  while ((await other.stats()).currentWaiting === 0) {
    await new Promise(setImmediate);
  }
  stop.abort('enough');
  assert.equal(await reserving, 'enough');
  const { id } = await other.put('default', 'x');
  while ((await other.statsJob(id)).state !== 'ready') {
    await new Promise(setImmediate);
  }
});

test('a connection that cannot be opened says why, every time', async () => {
  const direct = new Connection('127.0.0.1:1');
  assert.equal((await rejection(direct.stats())).code, 'DISCONNECTED');
  assert.equal((await rejection(direct.reserve())).code, 'DISCONNECTED');
  assert.equal((await rejection(direct.ready())).code, 'DISCONNECTED');
  await direct.close();
});

test('it comes back with its tubes when it was lost', async (t) => {
  const server = await serve(t);
  const direct = connection(t, server.uri, { reconnectMax: 5, reconnectMin: 1 });
  await direct.useTube('used');
  await direct.watch('watched');
  server.cutAfterReceived(0);
  const error = await rejection(direct.listTubes());
  assert.deepEqual([error.code, error.outcome], ['DISCONNECTED', 'unknown']);
  assert.equal(await direct.listTubeUsed(), 'used');
  assert.deepEqual(await direct.listTubesWatched(), ['default', 'watched']);
});

test('close says goodbye, and everything rejects afterwards', async (t) => {
  const { uri } = await serve(t);
  const direct = connection(t, uri);
  await direct.put('default', 'x');
  await direct.reserve();
  const report = await direct.close({ timeout: 0 });
  assert.deepEqual(report, { abandonedJobs: 1, abandonedOperations: 0 });
  const calls = [direct.stats(), direct.put('default', 'x'), direct.reserve()];
  for (const error of await Promise.all(calls.map(rejection))) {
    assert.equal(error.code, 'CLOSED');
  }
});

test('ids above 2^53 are what they are', async (t) => {
  const ids = [2n ** 53n + 1n, 2n ** 63n + 3n, 2n ** 64n - 1n];
  const seen = [];
  const uri = await scripted(t, (line, body, reply) => {
    const [verb, first] = line.split(' ');
    seen.push(line);
    switch (verb) {
      case 'use':
        return reply(`USING ${first}\r\n`);
      case 'put':
        return reply(`INSERTED ${ids[Number(body.toString())]}\r\n`);
      case 'reserve-job':
        return reply(`RESERVED ${first} 1\r\nx\r\n`);
      case 'peek':
        return reply(`FOUND ${first} 1\r\nx\r\n`);
      case 'delete':
        return reply('DELETED\r\n');
      default:
        return reply('UNKNOWN_COMMAND\r\n');
    }
  });
  const direct = connection(t, uri);
  for (const [n, id] of ids.entries()) {
    assert.equal((await direct.put('mail', String(n))).id, id);
    assert.equal((await direct.peek(id)).id, id);
    const job = await direct.reserveJob(id);
    assert.equal(job.id, id);
    await job.delete();
    assert.equal(seen.at(-1), `delete ${id}`);
    await direct.delete(id);
    assert.equal(seen.at(-1), `delete ${id}`);
  }
});

test('a job of a connection is finished by the job or by its id', async (t) => {
  const { uri } = await beanstalkd(t);
  const direct = connection(t, uri);
  await direct.put('default', 'x');
  const job = await direct.reserve();
  await direct.delete(job.id);
  assert.equal((await rejection(job.delete())).code, 'JOB_FINISHED');
});
