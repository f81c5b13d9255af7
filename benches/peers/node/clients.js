'use strict';

// The clients that are measured, behind one interface. Each is used in the fastest way that works.
//
// client                   in flight at a time: puts           jobs that are consumed
// beanwire-node            any number                          any number
// beanwire-node-put-many   any number                          any number
// jackd                    any number                          one on each connection
// fivebeans                any number                          any number
// node-beanstalk           one on each connection              one on each connection
// beanstalkd               one on each connection              one on each connection

/** Seconds. */
const TTR = 60;
const PRIORITY = 1024;

/** The npm package of this repository, as `cargo xtask node` builds it. */
const BEANWIRE = '../../../npm/beanwire';

/**
 * The tools of that package bring OpenTelemetry along, which would be used if it were not turned off.
 * Those who install the package only do not have it.
 */
const SETTINGS = { tracing: false };

const beanwire = {
  pipelines: {},

  async producer(options, connections) {
    const producer = await beanwireClient('Producer', options, { multiply: connections });
    const body = 'x'.repeat(options.size);
    return {
      close: () => producer.close(),
      async put(_, ttr) {
        ready(await producer.put(options.tube, body, { priority: PRIORITY, ttr }));
      },
      async putMany(count) {
        const job = () => ({ body, priority: PRIORITY, ttr: TTR, tube: options.tube });
        const results = await producer.putMany(Array.from({ length: count }, job));
        results.forEach(ready);
      },
    };
  },

  async consumer(options, connections) {
    const { inFlight: concurrency } = options;
    const settings = { concurrency, maxConnections: connections };
    const consumer = await beanwireClient('Consumer', options, settings);
    return {
      close: () => consumer.close(),
      async receive(total, handler) {
        const stop = new AbortController();
        let left = total;
        await consumer.receive(async (job) => {
          await handler(job);
          left -= 1;
          if (left === 0) {
            stop.abort();
          }
        }, { signal: stop.signal });
      },
    };
  },
};

async function beanwireClient(role, { host, port, tube }, settings) {
  const Client = require(BEANWIRE)[role];
  const given = role === 'Consumer' ? [`${host}:${port}`, [tube]] : [`${host}:${port}`];
  const client = new Client(...given, { ...SETTINGS, ...settings });
  // It would try again, also what a handler did.
  client.on('error', (error) => {
    throw error;
  });
  await client.ready();
  return client;
}

/** Throws if that is not what a put gives. */
function ready({ error, id, state }) {
  if (error !== undefined || id === undefined || state !== 'ready') {
    throw error ?? new Error(`a job that is ${state}`);
  }
}

const clients = {
  'beanwire-node': {
    ...beanwire,
    async producer(...args) {
      return { ...await beanwire.producer(...args), putMany: undefined };
    },
  },

  'beanwire-node-put-many': beanwire,

  // Takes all that has come with a job for its body, so nothing may follow a reserve.
  jackd: pooled({ consume: false }, {
    connect: ({ host, port }) => new (require('jackd'))().connect({ host, port }),
    close: (client) => client.disconnect(),
    delete: (client, id) => client.delete(id),
    put: (client, body, ttr) => client.put(body, { priority: PRIORITY, ttr }),
    async reserve(client) {
      const { id, payload } = await client.reserve();
      return [id, payload];
    },
  }),

  // Pipelines all that it is told. A reserve that waits for a job holds up the deletes behind it, so
  // workers share a connection only where the tube does not run dry.
  fivebeans: pooled({}, {
    async connect({ host, port }) {
      const client = new (require('fivebeans').client)(host, port);
      await new Promise((resolve, reject) => {
        client.on('connect', resolve).on('error', reject).connect();
      });
      const promised = (name) => (...args) => new Promise((resolve, reject) => {
        client[name](...args, (error, ...values) => (error ? reject(error) : resolve(values)));
      });
      const names = ['destroy', 'ignore', 'put', 'reserve', 'use', 'watch'];
      const calls = Object.fromEntries(names.map((name) => [name, promised(name)]));
      return { ...calls, end: () => client.end() };
    },
    close: (client) => client.end(),
    delete: (client, id) => client.destroy(id),
    put: (client, body, ttr) => client.put(PRIORITY, 0, ttr, body),
    reserve: (client) => client.reserve(),
  }),

  // Sends a command when the one before it is answered.
  'node-beanstalk': pooled({ consume: false, put: false }, {
    async connect({ host, port, size }) {
      const { Client } = require('node-beanstalk');
      // Without a serializer, bodies are what they are.
      const client = new Client({ host, maxPayloadSize: size, port, serializer: undefined });
      await client.connect();
      return client;
    },
    close: (client) => client.disconnect(),
    delete: (client, id) => client.delete(id),
    async put(client, body, ttr) {
      ready(await client.put(body, ttr, PRIORITY, 0));
    },
    async reserve(client) {
      const { id, payload } = await client.reserve();
      return [id, payload];
    },
  }),

  // Sends a command when the one before it is answered. All its connections share the rest of a reply
  // that came in pieces: large bodies on several of them are mixed up.
  beanstalkd: pooled({ consume: false, put: false }, {
    connect: ({ host, port }) => new (require('beanstalkd').default)(host, port).connect(),
    close: (client) => client.quit(),
    delete: (client, id) => client.delete(id),
    put: (client, body, ttr) => client.put(PRIORITY, 0, ttr, body),
    reserve: (client) => client.reserve(),
  }),
};

/** A client without a pool or handlers of its own: its workers are spread over its connections. */
function pooled(pipelines, client) {
  const open = (options, connections, select) => (
    Promise.all(Array.from({ length: connections }, async () => {
      const connection = await client.connect(options);
      await select(connection, options.tube);
      return connection;
    }))
  );
  const close = (connections) => () => Promise.all(connections.map(client.close));
  return {
    pipelines,

    async producer(options, count) {
      const connections = await open(options, count, (connection, tube) => connection.use(tube));
      const body = 'x'.repeat(options.size);
      return {
        close: close(connections),
        put: (worker, ttr) => client.put(connections[worker % count], body, ttr),
      };
    },

    async consumer(options, count) {
      const { inFlight, work } = options;
      // A worker that may have to wait for a job does so on its own.
      const opened = work === 'consume' ? count : inFlight;
      const connections = await open(options, opened, async (connection, tube) => {
        await connection.watch(tube);
        await connection.ignore('default');
      });
      return {
        close: close(connections),
        receive: (total, handler) => atOnce(inFlight, total, async (worker) => {
          const connection = connections[worker % opened];
          const [id, body] = await client.reserve(connection);
          await handler({ body, delete: () => client.delete(connection, id) });
        }),
      };
    },
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

module.exports = { TTR, atOnce, clients };
