'use strict';

// Measures one client for Node.js once, in one process, and prints the figures as one line of JSON.
// Which clients there are, and how many jobs each can have in flight, is said in clients.js.

const { readFileSync } = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');

const { TTR, atOnce, clients } = require('./clients');

/** A held job must not come back while the others are measured. In seconds. */
const HELD_TTR = 3_600;

/** In which everything falls asleep, and in which an idle consumer's connections come up: ms. */
const PAUSE = 2;
const SETTLE = 1_000;

/** Jobs of one call that puts many: so many times those in flight, and not less. */
const BATCH = 10;
const MIN_BATCH = 1_000;

const works = { consume, idle, latency, put, startup };

const NUMBERS = ['size', 'connections', 'in-flight', 'jobs', 'warm-up', 'busy', 'seconds'];

// Older clients are full of what is deprecated by now.
process.noDeprecation = true;
process.once('beforeExit', () => fail(new Error('all connections are lost')));
main().then(() => process.exit(), fail);

async function main() {
  const options = parse();
  const client = clients[options.client];
  const work = works[options.work];
  if (client === undefined || work === undefined) {
    refuse('unknown client or work');
  }
  if (client.pipelines[options.work] === false && options.inFlight > options.connections) {
    refuse(`${options.client} needs a connection for each job in flight`);
  }
  await work(client, options);
}

function parse() {
  const names = ['client', 'work', 'uri', 'tube', ...NUMBERS];
  const types = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  try {
    const { values } = parseArgs({ options: types });
    const [size, connections, inFlight, jobs, warmUp, busy, seconds] = (
      NUMBERS.map((name) => Number(values[name]))
    );
    const [host, port] = values.uri.split(':');
    return {
      ...values, busy, connections, host, inFlight, jobs, port: Number(port), seconds, size, warmUp,
    };
  } catch (error) {
    return refuse(error.message);
  }
}

async function put(client, options) {
  const { connections, inFlight, jobs, warmUp } = options;
  const producer = await client.producer(options, connections);
  const some = producer.putMany === undefined
    ? (count) => atOnce(inFlight, count, (worker) => producer.put(worker, TTR))
    : (count) => inBatches(Math.max(inFlight * BATCH, MIN_BATCH), count, producer.putMany);
  await some(warmUp);
  const start = now();
  await some(jobs);
  report(jobs, start, now());
  await producer.close();
}

async function inBatches(size, count, work) {
  for (let left = count; left > 0; left -= size) {
    await work(Math.min(size, left));
  }
}

async function consume(client, options) {
  const { connections, jobs, warmUp } = options;
  const consumer = await client.consumer(options, connections);
  const total = warmUp + jobs;
  let done = 0;
  let start = now();
  await consumer.receive(total, async (job) => {
    await finish(options, job);
    done += 1;
    if (done === total) {
      report(jobs, start, now());
    } else if (done === warmUp) {
      start = now();
    }
  });
  await consumer.close();
}

/** Takes the one job that is there. */
function startup(client, options) {
  return consume(client, { ...options, jobs: 1, warmUp: 0 });
}

async function finish({ size }, job) {
  if (job.body.length !== size) {
    throw new Error(`a body of ${job.body.length} bytes`);
  }
  await job.delete();
}

async function latency(client, options) {
  const { busy, connections, jobs, warmUp } = options;
  const producer = await client.producer(options, 1);
  const consumer = await client.consumer(options, connections);
  const enough = deferred();
  let taken = 0;
  let handled;
  const received = consumer.receive(busy + warmUp + jobs, async (job) => {
    const begin = process.hrtime.bigint();
    taken += 1;
    if (taken <= busy) {
      handled.resolve();
      await enough.promise;
    }
    await finish(options, job);
    handled.resolve(begin);
  });
  const handler = async (ttr) => {
    handled = deferred();
    await producer.put(0, ttr);
    return handled.promise;
  };
  for (let held = 0; held < busy; held += 1) {
    await handler(HELD_TTR);
  }
  const latencies = [];
  let start;
  for (let round = 0; round < warmUp + jobs; round += 1) {
    if (round === warmUp) {
      start = now();
    }
    await sleep(PAUSE);
    const before = process.hrtime.bigint();
    latencies.push(Number(await handler(TTR) - before));
  }
  const end = now();
  enough.resolve();
  await received;
  report(jobs, start, end, latencies.slice(warmUp));
  await Promise.all([producer.close(), consumer.close()]);
}

/** Ends with the process: most clients cannot call off a reserve that waits. */
async function idle(client, options) {
  const consumer = await client.consumer(options, options.connections);
  consumer.receive(Infinity, () => fail(new Error('a job'))).catch(fail);
  await sleep(SETTLE);
  const start = now();
  await sleep(options.seconds * 1_000);
  report(0, start, now());
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** What time it is, and how much processor time all threads have used. */
function now() {
  const { system, user } = process.cpuUsage();
  return { cpu: (system + user) / 1e6, wall: process.hrtime.bigint() };
}

function report(jobs, start, end, latencies = []) {
  console.log(JSON.stringify({
    jobs,
    seconds: Number(end.wall - start.wall) / 1e9,
    cpu: end.cpu - start.cpu,
    peak_memory: peakMemory(),
    latencies,
  }));
}

/** Bytes. What `process.resourceUsage` tells would begin with the peak of the parent process. */
function peakMemory() {
  const [, kib] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return Number(kib) * 1024;
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

function refuse(reason) {
  console.error(reason);
  process.exit(2);
}
