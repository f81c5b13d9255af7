import { Client } from './client.js';
import { Job } from './job.js';
import { CallOptions, ClientOptions } from './options.js';
import { InsertedJob, PutOptions } from './producer.js';
import { JobStats, ServerStats, TubeStats } from './stats.js';

/** A job as it was when it was looked at. Nobody holds it, so all may have changed since. */
export interface PeekedJob {
  id: bigint;
  body: Buffer;
}

/**
 * One connection to one server, for those who want the protocol itself.
 *
 * Commands run in the order of their calls; many may be under way at once. Behind a waiting `reserve`
 * everything waits, for the server does not read it: use a {@link Producer} and a {@link Consumer} where
 * that matters. A lost connection is opened again with the same tubes used and watched; what was under
 * way then fails with an unknown outcome and is never sent again by itself.
 *
 * If the first attempt to connect fails, every call rejects with the reason: make a new one then.
 *
 * Every call may reject with `INVALID_ARGUMENT` (a RangeError or TypeError), `DISCONNECTED`, `TIMEOUT`
 * (after `commandTimeout`), `CLOSED`, and with what the server says: `OUT_OF_MEMORY`,
 * `INTERNAL_ERROR`, `BAD_FORMAT`, `UNKNOWN_COMMAND`. What else is possible stands at each.
 *
 * Cancel safety: a reserved job that comes too late is released.
 *
 * @typeParam T what `put` takes and {@link Job.data} gives, if there is a codec.
 * @example
 * ```ts
 * import { Connection } from 'beanwire';
 *
 * const connection = new Connection('127.0.0.1:11300');
 * for (const tube of await connection.listTubes()) {
 *   console.log(tube, (await connection.statsTube(tube)).currentJobsReady);
 * }
 * await connection.close();
 * ```
 */
export interface Connection<T = string | Uint8Array> extends Client {
  /**
   * Inserts a job (`put`), with a `use` before it if another tube is in use. `timeout` defaults to
   * `commandTimeout`.
   *
   * @throws `DRAINING`, `JOB_TOO_BIG`.
   */
  put(tube: string, body: T, options?: PutOptions & CallOptions): Promise<InsertedJob>;

  /** Selects the tube that `listTubeUsed` tells (`use`). Calls that take a tube select it themselves. */
  useTube(tube: string, options?: CallOptions): Promise<void>;

  /** Adds a tube to those reserved from (`watch`). Gives how many there are then. */
  watch(tube: string, options?: CallOptions): Promise<number>;

  /**
   * Removes a tube from those reserved from (`ignore`). Gives how many there are then.
   *
   * @throws `NOT_IGNORED` for the last one.
   */
  ignore(tube: string, options?: CallOptions): Promise<number>;

  /**
   * Waits for a job without a limit (`reserve`). A server that falls silent meanwhile is noticed only by
   * the system's keepalive; `reserveWithTimeout` is better at that.
   *
   * @throws `DEADLINE_SOON` if a held job is in the last second of its TTR.
   */
  reserve(options?: CallOptions): Promise<Job<T>>;

  /**
   * Waits for a job at most this many seconds, rounded up, 0 to 2^31-1 (`reserve-with-timeout`); null
   * if there was none. 0 does not wait.
   *
   * @throws `DEADLINE_SOON` if a held job is in the last second of its TTR.
   */
  reserveWithTimeout(seconds: number, options?: CallOptions): Promise<Job<T> | null>;

  /**
   * Reserves one job by its id, from any tube (`reserve-job`; servers since 1.12).
   *
   * @throws `NOT_FOUND` if it does not exist or is reserved; `UNKNOWN_COMMAND` or `BAD_FORMAT` from an
   * older server.
   */
  reserveJob(id: bigint | number, options?: CallOptions): Promise<Job<T>>;

  /**
   * Removes a job (`delete`): one that this connection has reserved, or one that nobody has.
   *
   * @throws `NOT_FOUND`.
   */
  delete(id: bigint | number, options?: CallOptions): Promise<void>;

  /**
   * Gives a reserved job back (`release`) with this priority (default 1024, whatever its own was), after
   * `delay` seconds, rounded up.
   *
   * @throws `NOT_FOUND` if this connection has not reserved it; `BURIED` if the server had no memory and
   * buried it.
   */
  release(
    id: bigint | number,
    options?: { priority?: number | undefined; delay?: number | undefined } & CallOptions,
  ): Promise<void>;

  /**
   * Sets a reserved job aside (`bury`) with this priority (default 1024, whatever its own was).
   *
   * @throws `NOT_FOUND` if this connection has not reserved it.
   */
  bury(
    id: bigint | number,
    options?: { priority?: number | undefined } & CallOptions,
  ): Promise<void>;

  /**
   * Starts the TTR of a reserved job anew (`touch`).
   *
   * @throws `NOT_FOUND` if this connection has not reserved it.
   */
  touch(id: bigint | number, options?: CallOptions): Promise<void>;

  /** Looks at a job by its id (`peek`). @throws `NOT_FOUND`. */
  peek(id: bigint | number, options?: CallOptions): Promise<PeekedJob>;

  /** Looks at the ready job of a tube that would be reserved next (`peek-ready`); null if there is none. */
  peekReady(tube: string, options?: CallOptions): Promise<PeekedJob | null>;

  /** Looks at the delayed job of a tube that is due first (`peek-delayed`); null if there is none. */
  peekDelayed(tube: string, options?: CallOptions): Promise<PeekedJob | null>;

  /** Looks at the job of a tube that was buried first (`peek-buried`); null if there is none. */
  peekBuried(tube: string, options?: CallOptions): Promise<PeekedJob | null>;

  /**
   * Makes at most `bound` jobs of a tube ready (`kick`): buried ones if there are any, else delayed
   * ones. Gives how many.
   */
  kick(tube: string, bound: number, options?: CallOptions): Promise<number>;

  /**
   * Makes one buried or delayed job ready (`kick-job`).
   *
   * @throws `NOT_FOUND` if it does not exist or is neither.
   */
  kickJob(id: bigint | number, options?: CallOptions): Promise<void>;

  /** Statistics of the server (`stats`). @throws `UNEXPECTED_REPLY` if they cannot be read. */
  stats(options?: CallOptions): Promise<ServerStats>;

  /**
   * Statistics of a tube (`stats-tube`).
   *
   * @throws `NOT_FOUND` if the tube does not exist; `UNEXPECTED_REPLY` if they cannot be read.
   */
  statsTube(tube: string, options?: CallOptions): Promise<TubeStats>;

  /**
   * Statistics of a job (`stats-job`).
   *
   * @throws `NOT_FOUND` if the job does not exist; `UNEXPECTED_REPLY` if they cannot be read.
   */
  statsJob(id: bigint | number, options?: CallOptions): Promise<JobStats>;

  /** Names of all tubes (`list-tubes`). @throws `UNEXPECTED_REPLY` if the list cannot be read. */
  listTubes(options?: CallOptions): Promise<string[]>;

  /** Name of the tube in use (`list-tube-used`). */
  listTubeUsed(options?: CallOptions): Promise<string>;

  /**
   * Names of the tubes reserved from (`list-tubes-watched`).
   *
   * @throws `UNEXPECTED_REPLY` if the list cannot be read.
   */
  listTubesWatched(options?: CallOptions): Promise<string[]>;

  /**
   * Stops reservations from a tube for this many seconds, rounded up (`pause-tube`); 0 resumes.
   *
   * @throws `NOT_FOUND` if the tube does not exist.
   */
  pauseTube(tube: string, delay: number, options?: CallOptions): Promise<void>;
}

/** Makes a {@link Connection}. @throws TypeError or RangeError for what can be seen to be wrong. */
export const Connection: {
  new <T = unknown>(uri: string, options: ClientOptions<T> & { codec: 'json' }): Connection<T>;
  new <T = string | Uint8Array>(uri: string, options?: ClientOptions<T>): Connection<T>;
  readonly prototype: Connection<any>;
};
