'use strict';

// The clients that are measured, behind one interface. Each is used in the fastest way that works.

const BODY = 'x'.repeat(100);
const TUBE = 'bench';
const TTR = 60;

/** Gives `put`, maybe `putMany`, `consume` and `close`. */
const clients = {
  async beanwire(port) {
    const { Consumer, Producer } = require('../../npm/beanwire');
    const uri = `127.0.0.1:${port}`;
    const producer = new Producer(uri);
    await producer.ready();
    return {
      put: () => producer.put(TUBE, BODY, { ttr: TTR }),
      putMany: (count) => (
        producer.putMany(Array.from({ length: count }, () => ({ body: BODY, ttr: TTR, tube: TUBE })))
      ),
      async consume(width, count) {
        const consumer = new Consumer(uri, [TUBE], { concurrency: width });
        const stop = new AbortController();
        let left = count;
        await consumer.receive(async (job) => {
          await job.delete();
          left -= 1;
          if (left === 0) {
            stop.abort();
          }
        }, { signal: stop.signal });
        await consumer.close();
      },
      close: () => producer.close(),
    };
  },

  // Its replies are mixed up if reserves are pipelined, so each worker has a connection.
  jackd: (port) => pooled({ consumers: 100, producers: 1 }, async () => {
    const Jackd = require('jackd');
    const client = new Jackd();
    await client.connect({ host: '127.0.0.1', port });
    await client.use(TUBE);
    await client.watch(TUBE);
    return {
      put: () => client.put(BODY, { ttr: TTR }),
      reserve: () => client.reserve(),
      finish: (job) => client.delete(job.id),
      close: () => client.disconnect(),
    };
  }),

  // Waits for each reply before it sends the next command; more connections than 20 gain nothing.
  'node-beanstalk': (port) => pooled({ consumers: 100, producers: 20 }, async () => {
    const { Client } = require('node-beanstalk');
    const client = new Client({ host: '127.0.0.1', port });
    await client.connect();
    await client.use(TUBE);
    await client.watch(TUBE);
    return {
      put: () => client.put(BODY, TTR),
      reserve: () => client.reserve(),
      finish: (job) => client.delete(job.id),
      close: () => client.disconnect(),
    };
  }),

  // All on one connection: the fastest, though a worker would stall whenever the tube is empty.
  fivebeans: (port) => pooled({ consumers: 1, producers: 1 }, async () => {
    const { client: Client } = require('fivebeans');
    const client = new Client('127.0.0.1', port);
    await new Promise((resolve) => {
      client.on('connect', resolve).connect();
    });
    const call = (name, ...args) => new Promise((resolve, reject) => {
      client[name](...args, (error, result) => (error ? reject(error) : resolve(result)));
    });
    await call('use', TUBE);
    await call('watch', TUBE);
    return {
      put: () => call('put', 0, 0, TTR, BODY),
      reserve: () => call('reserve'),
      finish: (id) => call('destroy', id),
      close: () => client.end(),
    };
  }),
};

/** A client with one connection per `connect`, as many as are best for each side. */
async function pooled({ consumers, producers }, connect) {
  const connections = [];
  for (let count = 0; count < Math.max(consumers, producers); count += 1) {
    connections.push(await connect());
  }
  let next = 0;
  return {
    put() {
      next = (next + 1) % producers;
      return connections[next].put();
    },
    consume: (width, count) => atOnce(width, count, async (worker) => {
      const connection = connections[worker % consumers];
      await connection.finish(await connection.reserve());
    }),
    close: () => Promise.all(connections.map((connection) => connection.close())),
  };
}

/** Calls `work` so many times, `width` of them at once. */
async function atOnce(width, count, work) {
  let left = count;
  await Promise.all(Array.from({ length: width }, async (_, worker) => {
    while (left > 0) {
      left -= 1;
      await work(worker);
    }
  }));
}

module.exports = { atOnce, clients };
