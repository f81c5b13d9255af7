/**
 * What went wrong, the same in every language. Codes may be added.
 *
 * | Code | |
 * |---|---|
 * | `INVALID_ARGUMENT` | an argument breaks a rule; the message names it, its value and the limit |
 * | `INVALID_URI` | a server's URI cannot be used; the message quotes it |
 * | `JOB_TOO_BIG` | the body is larger than the server's `max-job-size` |
 * | `DISCONNECTED` | the connection was lost, or none was up in time |
 * | `TLS` | certificate, name or protocol of TLS |
 * | `ACCESS_DENIED` | the system forbids the connection |
 * | `TIMEOUT` | the time allowed for the call ran out |
 * | `CLOSED` | the client was closed |
 * | `QUEUE_FULL` | more work is waiting than the client's bound allows |
 * | `DRAINING` | the server takes no new jobs |
 * | `OUT_OF_MEMORY` | the server is out of memory |
 * | `INTERNAL_ERROR` | the server reported a fault of its own |
 * | `BAD_FORMAT` | the server could not parse the command |
 * | `UNKNOWN_COMMAND` | the server does not know the command |
 * | `EXPECTED_CRLF` | the server found no line end behind the body |
 * | `NOT_FOUND` | the job or tube does not exist, or the job is not this connection's |
 * | `NOT_IGNORED` | the only watched tube cannot be ignored |
 * | `DEADLINE_SOON` | a job held by this connection is in the last second of its TTR |
 * | `BURIED` | the server buried the job, having no memory to release it |
 * | `JOB_FINISHED` | the job was deleted, released or buried before |
 * | `JOB_LOST` | the reservation is gone |
 * | `UNEXPECTED_REPLY` | the server's answer is not one the protocol allows here |
 * | `UNSUPPORTED` | the system or build cannot do this |
 */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_URI'
  | 'JOB_TOO_BIG'
  | 'DISCONNECTED'
  | 'TLS'
  | 'ACCESS_DENIED'
  | 'TIMEOUT'
  | 'CLOSED'
  | 'QUEUE_FULL'
  | 'DRAINING'
  | 'OUT_OF_MEMORY'
  | 'INTERNAL_ERROR'
  | 'BAD_FORMAT'
  | 'UNKNOWN_COMMAND'
  | 'EXPECTED_CRLF'
  | 'NOT_FOUND'
  | 'NOT_IGNORED'
  | 'DEADLINE_SOON'
  | 'BURIED'
  | 'JOB_FINISHED'
  | 'JOB_LOST'
  | 'UNEXPECTED_REPLY'
  | 'UNSUPPORTED';

/**
 * What became of the command that failed: `not-sent` (nothing of it reached a server: doing it again
 * cannot double it), `rejected` (a server answered and did not do it), or `unknown` (it was sent and
 * no answer came: it may have been done).
 */
export type Outcome = 'not-sent' | 'rejected' | 'unknown';

/**
 * Whether trying again makes sense: `never` (it will fail the same way), `later`, or `elsewhere`
 * (another server may accept it now).
 */
export type Retry = 'never' | 'later' | 'elsewhere';

/** What every error tells: a {@link BeanwireError}, and a `TypeError` or `RangeError` of a bad argument. */
export interface ErrorDetails {
  /** What went wrong. */
  readonly code: ErrorCode;
  /** What became of the command. */
  readonly outcome: Outcome;
  /** Whether and how to try again. */
  readonly retry: Retry;
  /**
   * `retry !== 'never'`. Mind `outcome`: a put that is done again after the outcome `unknown` may
   * double the job.
   */
  readonly retryable: boolean;
}

/**
 * What a call fails with. Match on `code`; the message is for people and may change. `cause` is what
 * the system or a library said, if anything.
 *
 * @example
 * ```ts
 * try {
 *   await producer.put('mail', 'hello');
 * } catch (error) {
 *   if (!(error instanceof BeanwireError && error.code === 'JOB_TOO_BIG')) throw error;
 * }
 * ```
 */
export class BeanwireError extends Error implements ErrorDetails {
  /** For tests of your own code. */
  constructor(
    message: string,
    details: { code: ErrorCode; outcome?: Outcome; retry?: Retry; cause?: unknown },
  );
  readonly name: 'BeanwireError';
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly retry: Retry;
  readonly retryable: boolean;
}
