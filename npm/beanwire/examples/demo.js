'use strict';

// The main job on real input: a server, a producer, a consumer, and figures.
//
// `node demo.js [--jobs N] [--uri URI]`: without a URI the embedded server runs in this process.
// Ctrl-C stops early and cleanly.

const { parseArgs } = require('node:util');
const { Connection, Consumer, Producer, startServer } = require('beanwire');

/** Its own, whoever else runs a demo on the same server. */
const TUBE = `beanwire-demo-${process.pid}`;

/** Puts that await their answers at once. */
const IN_FLIGHT = 100;

/** Puts on an idle queue, one after the other, after the bulk of the jobs. */
const SINGLE_PUTS = 500;

async function main() {
  const { jobs, uri } = parseArgs({
    options: { jobs: { default: '10000', type: 'string' }, uri: { type: 'string' } },
  }).values;
  const count = Number(jobs);
  if (!(Number.isSafeInteger(count) && count > 0)) {
    throw new RangeError(`--jobs ${jobs}: a whole number above 0 is needed`);
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());

  const server = uri === undefined ? await startServer() : undefined;
  console.log(`server    ${uri ?? `${server.uri}, embedded; another one with --uri`}`);
  await run(uri ?? server.uri, count, stop);
  await server?.close();
}

async function run(uri, count, stop) {
  const producer = new Producer(uri);
  const consumer = new Consumer(uri, [TUBE], { concurrency: IN_FLIGHT });
  const { signal } = stop;
  const latencies = [];
  let arrived = () => {};
  signal.addEventListener('abort', () => arrived());

  const handle = async (job) => {
    // The body says when the put was called.
    const latency = performance.now() - Number(job.text());
    await job.delete();
    latencies.push(latency);
    arrived();
  };
  /** Resolves once so many have been handled, or it is to stop. */
  const handled = (wanted) => new Promise((resolve) => {
    arrived = () => {
      if (latencies.length >= wanted || signal.aborted) {
        resolve();
      }
    };
    arrived();
  });
  const put = () => producer.put(TUBE, String(performance.now()).padEnd(100));

  try {
    await Promise.all([producer.ready(), consumer.ready()]);
    const received = consumer.receive(handle, { signal });

    const start = performance.now();
    await atOnce(IN_FLIGHT, count, put, signal);
    await handled(count);
    const seconds = (performance.now() - start) / 1000;
    const bulk = latencies.splice(0);
    for (let at = 1; at <= SINGLE_PUTS && !signal.aborted; at += 1) {
      await put();
      await handled(at);
    }

    const wasStopped = signal.aborted;
    stop.abort();
    const { failed, handled: total } = await received;
    const rate = Math.round(bulk.length / seconds);
    console.log(`bulk      ${bulk.length} jobs put, handled and deleted in ${seconds.toFixed(3)} s:`
      + ` ${rate} jobs per second`);
    console.log(`latency   put to handler in the bulk  ${percentiles(bulk)}`);
    console.log(`latency   put to handler, idle queue  ${percentiles(latencies)}`);
    console.log(`handled   ${total} jobs, ${failed} failed`);
    if (wasStopped) {
      const left = await clear(uri);
      console.log(`stopped   by Ctrl-C; ${left} jobs that were still to be handled are deleted`);
    }
  } finally {
    await Promise.all([producer.close(), consumer.close()]);
  }
}

/** Deletes what is left in the tube. */
async function clear(uri) {
  const connection = new Connection(uri);
  await connection.watch(TUBE);
  await connection.ignore('default');
  let left = 0;
  for (;;) {
    const job = await connection.reserveWithTimeout(0);
    if (job === null) {
      break;
    }
    await job.delete();
    left += 1;
  }
  await connection.close();
  return left;
}

/** Calls `work` so many times, `width` of them at once, until `signal` aborts. */
async function atOnce(width, count, work, signal) {
  let left = count;
  await Promise.all(Array.from({ length: Math.min(width, count) }, async () => {
    while (left > 0 && !signal.aborted) {
      left -= 1;
      await work();
    }
  }));
}

function percentiles(latencies) {
  if (latencies.length === 0) {
    return 'no jobs';
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share) => `${sorted[Math.floor(share * (sorted.length - 1))].toFixed(3)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)} (${sorted.length} jobs)`;
}

main();
