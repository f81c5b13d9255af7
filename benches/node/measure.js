'use strict';

// Measures one client once and prints the figures as JSON: `node measure.js CLIENT PORT`.

const { atOnce, clients } = require('./clients');

/** Jobs of each scenario. */
const SINGLE = 5_000;
const BULK = 50_000;

const IN_FLIGHT = 200;
const CONCURRENCY = 100;

async function main(name, port) {
  const client = await clients[name](port);
  const { putMany } = client;
  // Code is compiled as it gets hot, and anew when it is used in another way than before.
  await round(client, SINGLE, 20_000);
  await round(client, SINGLE, 20_000);
  const figures = await round(client, SINGLE, BULK);
  await client.close();
  console.log(JSON.stringify(figures));

  async function round({ consume, put }, single, bulk) {
    const results = {
      sequential: await timed(single, () => atOnce(1, single, put)),
      inFlight: await timed(bulk, () => atOnce(IN_FLIGHT, bulk, put)),
      consume: await timed(single + bulk, () => consume(CONCURRENCY, single + bulk)),
    };
    if (putMany !== undefined) {
      results.putMany = await timed(bulk, () => putMany(bulk));
      await consume(CONCURRENCY, bulk);
    }
    return results;
  }
}

/** Jobs per second, and microseconds of processor time per job on all threads. */
async function timed(jobs, work) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  await work();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { system, user } = process.cpuUsage(cpu);
  return { cpu: (system + user) / jobs, rate: jobs / seconds };
}

main(process.argv[2], Number(process.argv[3]));
