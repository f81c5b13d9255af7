'use strict';

// Puts jobs and handles them all, round after round, and prints what memory was used after each.
// `node --expose-gc memory.js URI JOBS_PER_ROUND ROUNDS`

const { Consumer, Producer } = require('beanwire');

const WIDTH = 200;
const [uri, jobs, rounds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

async function main() {
  const producer = new Producer(uri);
  const consumer = new Consumer(uri, ['mail'], { concurrency: 100 });
  for (let round = 0; round < rounds; round += 1) {
    await put(producer);
    await handle(consumer);
    globalThis.gc();
    await new Promise(setImmediate);
    const { arrayBuffers, heapUsed, rss } = process.memoryUsage();
    console.log(JSON.stringify({ arrayBuffers, heapUsed, rss }));
  }
  await producer.close();
  await consumer.close();
}

async function put(producer) {
  const body = Buffer.alloc(100, 'x');
  let left = jobs;
  await Promise.all(Array.from({ length: WIDTH }, async () => {
    while (left > 0) {
      left -= 1;
      await producer.put('mail', body, { ttr: 60 });
    }
  }));
}

async function handle(consumer) {
  const stop = new AbortController();
  let left = jobs;
  await consumer.receive(async (job) => {
    await job.delete();
    left -= 1;
    if (left === 0) {
      stop.abort();
    }
  }, { signal: stop.signal });
}

main();
