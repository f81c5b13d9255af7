import { EventEmitter } from 'node:events';

import { BeanwireError } from './errors.js';
import { CallOptions } from './options.js';

/** Limits of a close. */
export interface CloseOptions {
  /**
   * Milliseconds to wait for what is under way, and for jobs that are held. Default 5000; 30000 for a
   * consumer.
   */
  timeout?: number | undefined;
  /** Whether not to wait at all. Default false. */
  force?: boolean | undefined;
}

/** What a close left undone. */
export interface CloseReport {
  /** Operations that were ended with `CLOSED`. */
  abandonedOperations: number;
  /** Jobs that were still reserved; their servers make them ready again. */
  abandonedJobs: number;
}

/** A client's view of its servers. */
export interface Health {
  /** Every server, in the order of the list; none before the client is open. */
  servers: ServerHealth[];
  /** Operations that wait for a connection or for a job. */
  waiting: number;
}

/** A client's view of one server. */
export interface ServerHealth {
  /** Its normalised URI. */
  server: string;
  /** The version it told at the last connect; empty before. */
  version: string;
  /** Whether it refuses new jobs. */
  draining: boolean;
  /** The largest body it takes, in bytes, as told at the last connect. */
  maxJobSize: number | null;
  /** The last error that kept or broke a connection, until the next one is up. */
  lastError: string | null;
  /** Milliseconds until the next attempt to connect, if one is held back. */
  retryIn: number | null;
  /** Every connection. */
  connections: ConnectionHealth[];
}

/** A client's view of one connection. */
export interface ConnectionHealth {
  /** How far it is. */
  state: 'connecting' | 'up' | 'closing';
  /** Commands without a reply. */
  pending: number;
  /** Jobs that it holds. */
  held: number;
  /** Whether it waits in a reserve. */
  waiting: boolean;
}

/** Events of a client, and what their listeners get. */
export interface ClientEvents {
  /** A connection is up. */
  connect: [{ server: string }];
  /** A connection that was up is lost; it is tried again in `retryIn` milliseconds. */
  disconnect: [{ server: string; error: BeanwireError; retryIn: number }];
  /** A put is done again elsewhere or later. If its outcome is `unknown`, the job may now exist twice. */
  retry: [{ server: string; error: BeanwireError }];
  /** The reservation of a job is gone while its holder had not finished it. */
  lost: [
    { server: string; id: bigint; reason: 'disconnected' | 'expired' | 'not-found' | 'superseded' },
  ];
  /**
   * What the failure policy did with a job: released with a delay in seconds, buried, or moved to a
   * tube.
   */
  fail: [
    {
      server: string;
      id: bigint;
      action: 'released' | 'buried' | 'dead-lettered';
      delay?: number | undefined;
      tube?: string | undefined;
    },
  ];
  /** A server refuses new jobs until it is restarted. */
  drain: [{ server: string }];
  /**
   * Something failed where no caller waits: opening the client, a connection that could not be opened
   * (it is tried again), a handler that threw, a job that was not given back. Without a listener it
   * is **not** thrown.
   */
  error: [unknown, ErrorEventDetails];
}

/** Where an `error` event comes from. */
export interface ErrorEventDetails {
  /** What was going on. */
  during: 'open' | 'connect' | 'receive' | 'handler' | 'fail' | 'give-back';
  /** The server it was about, if any. */
  server?: string | undefined;
  /** The job it was about, if any. */
  id?: bigint | undefined;
  /** Milliseconds until the next attempt to connect. */
  retryIn?: number | undefined;
}

/** What {@link Producer}, {@link Consumer} and {@link Connection} have in common. */
export abstract class Client extends EventEmitter<ClientEvents> {
  /** Whether any connection is up. */
  readonly isConnected: boolean;

  /** A snapshot of every server and connection. */
  health(): Health;

  /**
   * Waits until a connection is up. `timeout` is 10000 ms unless told otherwise.
   *
   * @throws `DISCONNECTED` after `timeout`, with the last error as its cause; the error itself once
   * every server has failed for good, such as with a certificate that is not trusted; `INVALID_URI`,
   * `INVALID_ARGUMENT` or `TLS` for what cannot be used at all.
   */
  ready(options?: CallOptions): Promise<void>;

  /**
   * Refuses new work, waits for what is under way, and closes all connections. May be called again,
   * also to hurry. It never rejects for what went wrong before.
   *
   * Cancel safety: closing goes on.
   */
  close(options?: CloseOptions): Promise<CloseReport>;

  /** `close()`, for `await using`. There where the platform has `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}
