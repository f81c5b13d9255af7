/** How an embedded server is set up. */
export interface ServerOptions {
  /** The IP address it listens on. Default `127.0.0.1`. */
  host?: string | undefined;
  /** The port it listens on. Default 0: a free one. */
  port?: number | undefined;
  /** A unix socket to listen on instead. */
  path?: string | undefined;
  /** Largest body it takes, in bytes. Default 65535, 0 to 2^30. */
  maxJobSize?: number | undefined;
  /** Encrypts TCP connections: its certificate and those that lead to its authority, as PEM. Needs `key`. */
  cert?: string | Uint8Array | undefined;
  /** Its private key, as PEM. Needs `cert`. */
  key?: string | Uint8Array | undefined;
}

/**
 * A beanstalkd in this process: for tests, demos and a first try, **not for production**, for nothing is
 * stored. It does not keep the process alive.
 */
export interface Server {
  /** What a client connects to. */
  readonly uri: string;
  /** Takes no more jobs, for good: every put answers `DRAINING`. */
  drain(): void;
  /**
   * Pushes its clock forward by so many seconds: delays, TTRs and pauses that end within them end now,
   * each in its turn.
   */
  advance(seconds: number): void;
  /** Stops its clock: no delay, TTR, timeout or pause ends any more but by `advance`. */
  freeze(): void;
  /** Sets a stopped clock going again, from where it stands. */
  resume(): void;
  /** Closes every new connection at once, for as long as this is on. */
  refuseConnections(refuse: boolean): void;
  /**
   * Closes one connection behind the first bytes that it brings from now on; what it brought by then is
   * worked on. Only the latest order to cut holds.
   */
  cutAfterReceived(bytes: number): void;
  /**
   * Closes one connection behind the first bytes that it is sent from now on. With 0 the next command is
   * done, and its reply is lost. Only the latest order to cut holds.
   */
  cutAfterSent(bytes: number): void;
  /** Holds every reply back for so many milliseconds; `Infinity` is a server that has fallen silent. */
  delayReplies(millis: number): void;
  /** Sets what the server has no memory for. */
  setShortage(shortage: 'none' | 'jobs' | 'queues'): void;
  /** Ends all faults but a drain and a stopped clock. */
  clearFaults(): void;
  /** Stops it and waits until all connections are closed; all its jobs are gone. May be called again. */
  close(): Promise<void>;
  /** `close()`, for `await using`. There where the platform has `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server in this process. It runs until it is closed or the process ends.
 *
 * @throws `UNSUPPORTED` if it cannot listen there, with the reason as its cause; `INVALID_ARGUMENT`.
 * @example
 * ```ts
 * const server = await startServer();
 * const producer = new Producer(server.uri);
 * await producer.put('mail', 'hello');
 * await producer.close();
 * await server.close();
 * ```
 */
export function startServer(options?: ServerOptions): Promise<Server>;
