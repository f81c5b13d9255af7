/**
 * A client for the beanstalkd work queue.
 *
 * - {@link Producer} puts jobs through a pool of connections to one or many servers;
 * - {@link Consumer} runs handlers on jobs, or hands them out one by one;
 * - {@link Job} is a reserved job: delete, release, bury or touch it;
 * - {@link Connection} is one connection with every command of the protocol;
 * - {@link startServer} starts a server in this process, for tests.
 *
 * Units: `delay`, `ttr` and whatever else goes over the wire are **seconds**, as in the protocol, and
 * fractions are rounded up. All that is called `timeout`, `...Timeout` or `reconnect...` is
 * **milliseconds**, as in Node.js.
 *
 * Errors: a call that fails rejects with a {@link BeanwireError}. A mistake in an argument is a
 * {@link TypeError} or {@link RangeError} with the same properties (see {@link ErrorDetails}), and
 * nothing was sent then. A call whose `signal` aborts rejects with `signal.reason`.
 *
 * Cancel safety, unless said otherwise: a call that is given up before it was sent vanishes; after
 * that it may have been done, and its result is lost.
 *
 * @packageDocumentation
 */

/** The version of this package. */
export const version: string;

export { BeanwireError, ErrorCode, ErrorDetails, Outcome, Retry } from './lib/errors.js';
export {
  CallOptions, ClientOptions, Codec, FailurePolicy, Logger, OpenTelemetryApi, TlsOptions, Uris,
} from './lib/options.js';
export {
  ClientEvents, CloseOptions, CloseReport, ConnectionHealth, ErrorEventDetails, Health, ServerHealth,
} from './lib/client.js';
export { InsertedJob, NewJob, Producer, PutOptions, PutResult } from './lib/producer.js';
export { Consumer, ReceiveOptions, ReceiveReport } from './lib/consumer.js';
export { Job } from './lib/job.js';
export { Connection, PeekedJob } from './lib/connection.js';
export { Server, ServerOptions, startServer } from './lib/server.js';
export { JobStats, ServerStats, TubeStats } from './lib/stats.js';
