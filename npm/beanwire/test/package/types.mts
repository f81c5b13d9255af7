// What must compile, and what must not: read by the compiler, never run.

import { once } from 'node:events';

import {
  BeanwireError, Connection, Consumer, Job, Producer, startServer, version,
} from 'beanwire';
import type { Codec, Health, JobStats, PutResult, ReceiveReport, Server } from 'beanwire';

interface Mail { to: string }

declare const dates: Codec<Date>;

export async function clients(uri: string): Promise<void> {
  const raw = new Producer(uri);
  const { id, state } = await raw.put('mail', 'x', { delay: 1, priority: 1, timeout: 5, ttr: 1 });
  const { server }: { server: string } = await raw.put('mail', Buffer.from('x'), { signal: AbortSignal.abort() });
  await raw.delete({ id: id + 1n, server });
  await raw.delete(await raw.put('mail', new Uint8Array(1)));
  const isDelayed: boolean = state === 'delayed';
  // @ts-expect-error without a codec it takes text and bytes
  await raw.put('mail', { to: 'Bo' });
  // @ts-expect-error no such option
  await raw.put('mail', 'x', { prio: 1 });
  // @ts-expect-error no such option
  new Producer(uri, { nope: isDelayed });
  // @ts-expect-error no such state
  const never: boolean = state === 'reserved';

  const anything = new Producer([uri, uri], { codec: 'json', logger: console });
  await anything.put('mail', { any: ['thing', never] });
  const mails = new Producer<Mail>(uri, { codec: 'json' });
  await mails.put('mail', { to: 'Bo' });
  // @ts-expect-error no mail
  await mails.put('mail', { too: 'Bo' });
  const own = new Producer(uri, { codec: dates });
  await own.put('mail', new Date());
  // @ts-expect-error no date
  await own.put('mail', 'today');

  const results: PutResult[] = await mails.putMany([{ body: { to: 'Bo' }, delay: 1, tube: 'mail' }]);
  for (const result of results) {
    if (result.error === undefined) {
      const known: bigint = result.id;
      console.log(known, result.server);
    } else {
      console.log(result.error.message);
    }
  }
  const health: Health = mails.health();
  console.log(health.servers[0]?.connections[0]?.state === 'up', mails.isConnected, version);
  await using closing = mails;
  await closing.ready({ timeout: 1 });
  const { abandonedJobs }: { abandonedJobs: number } = await mails.close({ force: true, timeout: 5 });
  console.log(abandonedJobs);
}

export class Mine extends Producer<Mail> {
  async send(to: string): Promise<void> {
    await this.put('mail', { to });
  }
}

export async function consumers(uri: string, signal: AbortSignal): Promise<ReceiveReport> {
  const mails = new Consumer<Mail>(uri, ['mail'], { codec: 'json', failure: { deadLetter: 'dead', maxAttempts: 3 } });
  for await (const job of mails.jobs({ signal })) {
    const to: string = job.data.to;
    const other: Mail = job.json<Mail>();
    console.log(to, other, job.reservedAt.getTime(), job.body.readUInt8(0), job.id + 1n);
    await job.release({ delay: 3, priority: 1, timeout: 5 });
  }
  const days = new Consumer(uri, 'days', { codec: dates });
  for await (const job of days) {
    console.log(job.data.getTime());
    const stats: JobStats = await job.stats();
    console.log(stats.timeLeft, await job.touchAfter());
  }
  // @ts-expect-error what it is, only a codec can tell
  new Consumer(uri).receive(({ data }) => data.length);
  mails.on('disconnect', ({ error, retryIn }) => console.log(error.code, retryIn.toFixed()));
  mails.on('error', (error, { during }) => console.error(error, during));
  mails.once('lost', ({ id, reason }) => console.log(id + 1n, reason === 'expired'));
  mails.off('connect', console.log);
  // @ts-expect-error no such event
  mails.on('connected', () => {});
  await once(mails, 'connect');
  // @ts-expect-error only the package makes them
  new Job();
  return mails.receive(async (job) => {
    await fetch('http://localhost', { signal: job.signal });
    await job.delete({ signal });
  }, { drainTimeout: 1000, force: signal, signal });
}

export async function protocol(uri: string): Promise<void> {
  const connection = new Connection(uri);
  const job: Job | null = await connection.reserveWithTimeout(1);
  await job?.bury({ priority: 1 });
  const ready: number = (await connection.statsTube('mail')).currentJobsReady;
  const tubes: string[] = await connection.listTubes({ timeout: ready });
  const body: Buffer | undefined = (await connection.peekReady('mail'))?.body;
  await connection.delete(5);
  await connection.delete(5n, { timeout: tubes.length });
  await connection.release(5n, { delay: 1, priority: body?.length });
  try {
    await connection.kick('mail', 1);
  } catch (error) {
    if (error instanceof BeanwireError && error.code === 'NOT_FOUND' && !error.retryable) {
      throw error;
    }
    // @ts-expect-error no such code
    console.log(error instanceof BeanwireError && error.code === 'NOT_FUND');
  }
}

export async function servers(): Promise<void> {
  await using server: Server = await startServer({ host: '127.0.0.1', maxJobSize: 100, port: 0 });
  server.advance(60);
  server.setShortage('jobs');
  // @ts-expect-error no such shortage
  server.setShortage('memory');
}
