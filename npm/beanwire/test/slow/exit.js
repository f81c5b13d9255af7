'use strict';

// Ends amid work in the way that its argument names, `--after` that many milliseconds.

const { parseArgs } = require('node:util');
const { Worker, isMainThread } = require('node:worker_threads');
const { Consumer, Producer, startServer } = require('beanwire');

const ENDS = {
  exit: () => process.exit(7),
  kill: () => process.kill(process.pid, 'SIGTERM'),
  reject: () => Promise.reject(new Error('nobody handles this')),
  throw: () => {
    throw new Error('nobody catches this');
  },
};

async function work() {
  const server = await startServer();
  const producer = new Producer(server.uri, { maxConnections: 4 });
  const consumer = new Consumer(server.uri, ['mail'], { concurrency: 50 });
  consumer.receive(async (job) => {
    // Some that hang, some that are done.
    await (job.id % 4n === 0n ? new Promise(() => {}) : job.delete());
  });
  const puts = async () => {
    for (;;) {
      await Promise.all(Array.from({ length: 100 }, () => producer.put('mail', 'x'.repeat(500))));
    }
  };
  puts();
}

const { positionals: [end], values: { after, threads } } = parseArgs({
  allowPositionals: true,
  options: {
    after: { default: '0', type: 'string' },
    threads: { default: '0', type: 'string' },
  },
});
work();
if (isMainThread) {
  for (let count = 0; count < Number(threads); count += 1) {
    new Worker(__filename, { argv: ['none'] });
  }
  setTimeout(ENDS[end], Number(after));
}
