'use strict';

// Loads the package in one worker thread after the other, and prints what each left behind.

const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const WARM_UP = 20;
const ROUNDS = 100;

/** How a worker ends: by itself, all closed or nothing; amid work, from inside or from outside. */
const ENDS = ['close', 'leave', 'exit', 'terminate'];

async function main() {
  const samples = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    await work(ENDS[round % ENDS.length]);
    // A round of each first: some of it is made once per process.
    if (round === WARM_UP || round === WARM_UP + ROUNDS - 1) {
      samples.push(await settled());
    }
  }
  const [before, after] = samples;
  console.log(JSON.stringify({ after, before }));
}

function work(end) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: end });
    worker.on('error', reject);
    worker.on('message', () => worker.terminate());
    worker.on('exit', resolve);
  });
}

/** What the process has, once threads that are ending have ended. */
async function settled() {
  let sample;
  for (let tries = 0; tries < 20; tries += 1) {
    await sleep(20);
    const next = { fds: count('/proc/self/fd'), threads: count('/proc/self/task') };
    if (next.fds === sample?.fds && next.threads === sample?.threads && tries > 3) {
      break;
    }
    sample = next;
  }
  globalThis.gc();
  return { ...sample, rss: process.memoryUsage.rss() };
}

function count(dir) {
  return fs.readdirSync(dir).length;
}

async function inWorker(end) {
  const { Consumer, Producer, startServer } = require('beanwire');
  const server = await startServer();
  const producer = new Producer(server.uri);
  const consumer = new Consumer(server.uri, ['mail']);
  await producer.put('mail', 'hello');
  for await (const job of consumer) {
    await job.delete();
    break;
  }
  if (end === 'close') {
    await Promise.all([producer.close(), consumer.close()]);
    await server.close();
  }
  if (end === 'close' || end === 'leave') {
    return;
  }
  // Handlers that hang, and puts without an answer.
  consumer.receive(() => new Promise(() => {}));
  for (let count = 0; count < 100; count += 1) {
    producer.put('mail', 'x'.repeat(1000));
  }
  if (end === 'exit') {
    process.exit();
  }
  parentPort.postMessage('terminate me');
}

if (isMainThread) {
  main();
} else {
  inWorker(workerData);
}
