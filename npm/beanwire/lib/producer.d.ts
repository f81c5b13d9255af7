import { Client } from './client.js';
import { CallOptions, ClientOptions, Uris } from './options.js';

/** How a job is put. */
export interface PutOptions {
  /** 0 is the most urgent, 2^32-1 the least. Default 1024. */
  priority?: number | undefined;
  /** Seconds that the job stays delayed, 0 to 2^32-1, rounded up. Default 0. */
  delay?: number | undefined;
  /** Seconds that a reservation lasts, 1 to 2^32-1, rounded up. Default 60. */
  ttr?: number | undefined;
}

/** A job that a put brought into being. */
export interface InsertedJob {
  /** Its id, unique on its server. */
  id: bigint;
  /** The server that holds it, as its normalised URI. */
  server: string;
  /** `buried` if the server had no memory for its queue. */
  state: 'ready' | 'delayed' | 'buried';
}

/** One job of {@link Producer.putMany}. */
export interface NewJob<T = string | Uint8Array> extends PutOptions {
  /** 1 to 200 bytes of `A-Z a-z 0-9 - + / ; . $ _ ( )`, not starting with `-`. */
  tube: string;
  /** Its content. */
  body: T;
}

/** What became of one job of {@link Producer.putMany}: the job, or what its put would reject with. */
export type PutResult =
  | (InsertedJob & { error?: undefined })
  | { error: Error; id?: undefined; server?: undefined; state?: undefined };

/**
 * Puts jobs through a pool of connections to one or many servers.
 *
 * A put takes the least loaded connection. If that one fails before the put was sent, or its server
 * is draining or out of memory, another one takes it. If it fails after, the job may exist or not: by
 * default it is put again (see `delivery`).
 *
 * It is opened in the background. What goes wrong there, such as a host that does not exist, is what
 * every later call rejects with.
 *
 * @typeParam T what `put` takes: strings and bytes; with `codec: 'json'` anything, or what you say; with
 * your own codec what that takes.
 * @example
 * ```ts
 * import { Producer } from 'beanwire';
 *
 * const producer = new Producer('127.0.0.1:11300');
 * const job = await producer.put('mail', 'hello', { ttr: 30 });
 * console.log(`job ${job.id} is ${job.state} on ${job.server}`);
 * await producer.close();
 * ```
 */
export interface Producer<T = string | Uint8Array> extends Client {
  /**
   * Puts a job into `tube`. `timeout` is for the put as a whole; default `putTimeout`.
   *
   * A body is copied at once: what becomes of the buffer later does not matter.
   *
   * @throws `INVALID_ARGUMENT` (a RangeError) for a tube, delay or TTR outside its limits;
   * `JOB_TOO_BIG`; `DISCONNECTED` or `TIMEOUT` if there was no connection, or no answer, in time: see
   * its outcome; `DRAINING`, `OUT_OF_MEMORY` if every server says so; `QUEUE_FULL` if there was no
   * room for one more waiting put in time; `CLOSED`.
   */
  put(tube: string, body: T, options?: PutOptions & CallOptions): Promise<InsertedJob>;

  /**
   * Puts many jobs, in as few writes as their number allows, and gives one result for each, in their
   * order. No job's failure is that of another, and none rejects the call. Jobs are read from the
   * iterable as there is room, so leave an array as it is until the call is over. `timeout` is for
   * each put.
   *
   * @throws TypeError if `jobs` is no iterable; what the iterable throws; and why the producer could
   * not be opened. What was put by then stays.
   * @example
   * ```ts
   * const results = await producer.putMany([
   *   { tube: 'mail', body: 'one' },
   *   { tube: 'mail', body: 'two', delay: 60 },
   * ]);
   * const failed = results.filter((result) => result.error);
   * ```
   */
  putMany(jobs: Iterable<NewJob<T>>, options?: CallOptions): Promise<PutResult[]>;

  /**
   * Deletes a job on the server that holds it: pass what its put gave.
   *
   * @throws `NOT_FOUND` if the job does not exist or a consumer holds it; `INVALID_ARGUMENT` (a
   * RangeError) for a server that is not one of this producer's; `DISCONNECTED` or `TIMEOUT`, with an
   * unknown outcome if it was sent: it is not sent again by itself.
   */
  delete(
    ref: { readonly id: bigint | number; readonly server: string },
    options?: CallOptions,
  ): Promise<void>;
}

/** Makes a {@link Producer}. @throws TypeError or RangeError for what can be seen to be wrong. */
export const Producer: {
  new <T = unknown>(uris: Uris, options: ClientOptions<T> & { codec: 'json' }): Producer<T>;
  new <T = string | Uint8Array>(uris: Uris, options?: ClientOptions<T>): Producer<T>;
  readonly prototype: Producer<any>;
};
