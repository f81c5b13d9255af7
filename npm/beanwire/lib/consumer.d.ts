import { Client } from './client.js';
import { Job } from './job.js';
import { ClientOptions, Uris } from './options.js';

/** How handlers are stopped. */
export interface ReceiveOptions {
  /** Stops cleanly: no new jobs, handlers run to their end. */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds that handlers may run on after that, before they are stopped by force; or
   * `Infinity`. Default 30000.
   */
  drainTimeout?: number | undefined;
  /** Stops by force: jobs whose handlers still run are given back, and nobody waits for the handlers. */
  force?: AbortSignal | undefined;
}

/** What {@link Consumer.receive} did. */
export interface ReceiveReport {
  /** Handlers that ran to their end, failed ones included. */
  handled: number;
  /** Those of them that threw or rejected. */
  failed: number;
  /** Handlers that were stopped by force; their jobs were given back. */
  abandoned: number;
}

/**
 * Reserves jobs from its tubes on one or many servers.
 *
 * A reserve waits at the server on a connection that holds no job, so a job arrives as soon as it is
 * put, without polling and without holding up the deletes of others. Nothing is reserved until a
 * handler or a caller is free for it.
 *
 * It is opened in the background, as a {@link Producer} is. It watches exactly `tubes`, or `default` if
 * there is none. One that nobody refers to any more is closed; one that receives or is asked for a job
 * keeps the process alive.
 *
 * @typeParam T what {@link Job.data} gives: a Buffer, unless a codec makes something else of it.
 * @example
 * ```ts
 * import { Consumer } from 'beanwire';
 *
 * const consumer = new Consumer('127.0.0.1:11300', 'mail', { logger: console });
 * const stop = new AbortController();
 * process.once('SIGTERM', () => stop.abort());
 *
 * const report = await consumer.receive(async (job) => {
 *   console.log(job.text());
 *   await job.delete();
 * }, { signal: stop.signal });
 * console.log(`${report.handled} handled, ${report.failed} failed`);
 * await consumer.close();
 * ```
 */
export class Consumer<T = unknown> extends Client {
  /** @throws TypeError or RangeError for what can be seen to be wrong. */
  constructor(uris: Uris, tubes?: string | readonly string[], options?: ClientOptions<T>);

  /**
   * Runs `handler` on jobs as they come, `concurrency` at once, until `signal` aborts or the consumer
   * is closed. Resolves then; it does not reject because of `signal`, nor of a handler.
   *
   * A handler that throws or rejects has failed: it is logged and told by an `error` event. A job that
   * is not finished when its handler ends, for whatever reason, is dealt with by the failure policy.
   * May be called again, also at the same time: each call has its own `concurrency` handlers.
   *
   * @throws `CLOSED` if the consumer was closed before; why it could not be opened.
   */
  receive(handler: (job: Job<T>) => unknown, options?: ReceiveOptions): Promise<ReceiveReport>;

  /**
   * The jobs for those who want to pull: one is reserved when asked for. Ends when the consumer is
   * closed or `signal` aborts; it does not throw then. Leaving the loop gives back what was reserved
   * ahead. A job that is neither finished nor referred to any more counts as failed once it is
   * collected.
   *
   * @example
   * ```ts
   * for await (const job of consumer.jobs({ signal })) {
   *   await work(job.body);
   *   await job.delete();
   * }
   * ```
   */
  jobs(options?: { signal?: AbortSignal | undefined }): AsyncIterableIterator<Job<T>>;

  /** `jobs()`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Job<T>>;
}
