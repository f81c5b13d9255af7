import { CallOptions } from './options.js';
import { JobStats } from './stats.js';

/**
 * A reserved job: yours until it is deleted, released, buried or failed, or until its reservation is
 * lost. It can be finished once; then every call rejects with `JOB_FINISHED`.
 *
 * Cancel safety of the calls that finish it: once begun, they run to their end at the server also if
 * they are given up; only their result is lost.
 *
 * @typeParam T what {@link data} gives.
 */
export class Job<T = unknown> {
  private constructor();

  /** Its id, unique on its server. */
  readonly id: bigint;
  /** The server that holds it, as its normalised URI. */
  readonly server: string;
  /**
   * Its content. As Buffers of Node.js's pool do, it may share its `buffer` with the bodies of other
   * jobs: such a buffer cannot be transferred, and a structured clone of the body copies all of it. To
   * pass the body on alone, copy it: `new Uint8Array(job.body)`.
   */
  readonly body: Buffer;
  /** When the server's answer came in. */
  readonly reservedAt: Date;
  /** Whether it was deleted, released, buried or failed by this holder, or a call to do so has begun. */
  readonly isFinished: boolean;
  /** Whether its reservation is known to be gone. */
  readonly isLost: boolean;

  /**
   * Aborts when the reservation is lost: the TTR ran out, the connection is gone, or the handler was
   * stopped by force. Its reason is a {@link BeanwireError} with the code `JOB_LOST`. Stays silent once
   * the job is finished.
   *
   * @example
   * ```ts
   * await fetch(url, { signal: job.signal });
   * ```
   */
  readonly signal: AbortSignal;

  /**
   * The value of the body, by the client's codec; decoded when first asked for.
   *
   * @throws what the codec throws, each time it is asked for. The job is in hand all the same: bury it.
   */
  readonly data: T;

  /** The body as UTF-8 text. */
  text(): string;

  /** The body as JSON. @throws SyntaxError */
  json<V = unknown>(): V;

  /**
   * Its statistics, asked for anew with each call.
   *
   * @throws `JOB_LOST` if the connection that holds it is gone; `NOT_FOUND` if the job is; `TIMEOUT`.
   */
  stats(options?: CallOptions): Promise<JobStats>;

  /**
   * Removes it: the work is done.
   *
   * @throws `NOT_FOUND` if the reservation ran out; `JOB_LOST` if its connection is gone; otherwise
   * what the server says. An unknown outcome means that it may be deleted.
   */
  delete(options?: CallOptions): Promise<void>;

  /**
   * Gives it back, ready at once or after `delay` seconds (rounded up), with its own priority or
   * another one.
   *
   * @throws as `delete`; `BURIED` if the server had no memory and buried it. A RangeError or TypeError
   * leaves it in hand.
   */
  release(
    options?: { priority?: number | undefined; delay?: number | undefined } & CallOptions,
  ): Promise<void>;

  /**
   * Sets it aside until somebody kicks it, with its own priority or another one.
   *
   * @throws as `release`.
   */
  bury(options?: { priority?: number | undefined } & CallOptions): Promise<void>;

  /**
   * Says that the work failed: the failure policy decides. Leaving a handler without finishing the job
   * does the same.
   *
   * @throws as `release`.
   */
  fail(options?: CallOptions): Promise<void>;

  /**
   * Starts its TTR anew.
   *
   * @throws `NOT_FOUND` or `JOB_LOST` if the reservation is gone; `TIMEOUT`.
   */
  touch(options?: CallOptions): Promise<void>;

  /**
   * Milliseconds until it should be touched to keep its reservation with a margin; 0 if that is
   * overdue. Asks the server if the TTR is not known yet.
   *
   * @throws as `stats`.
   */
  touchAfter(options?: CallOptions): Promise<number>;
}
