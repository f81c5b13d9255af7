/** Limits of one call. */
export interface CallOptions {
  /** Gives the call up: it rejects with `signal.reason`. Already aborted: nothing is sent. */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds that the call may take, 0 to 2^31-1, or `Infinity`. Rejects with `TIMEOUT`. Default:
   * what the client's own timeouts allow.
   */
  timeout?: number | undefined;
}

/** From values to bodies and back. */
export interface Codec<T> {
  /** The body of a value. What it throws is what the put rejects with; nothing is sent then. */
  encode(value: T): Uint8Array | string;
  /** The value of a body. What it throws, {@link Job.data} throws. */
  decode(body: Buffer): T;
}

/** Takes what is told: `console` and a `pino` logger fit. What it throws is ignored. */
export interface Logger {
  /** Good to know: connections that come up, drains, jobs that the failure policy has dealt with. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** Went wrong: lost connections, retries, lost jobs, handlers that threw. */
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What a consumer does with a job whose handler failed. The server counts, so it holds across restarts. */
export interface FailurePolicy {
  /**
   * Seconds of the first release, doubled with every release the job has had. Default 1, 0 to
   * 2^32-1 and at most `maxDelay`. 0 stays 0: a job that always fails then spins.
   */
  delay?: number | undefined;
  /** Longest delay in seconds. Default 300, 0 to 2^32-1. */
  maxDelay?: number | undefined;
  /**
   * Attempts a job gets, at least 1; then it is buried, or moved to `deadLetter`. Every release and
   * every timeout of its reservation was one. Default: it is tried for ever.
   */
  maxAttempts?: number | undefined;
  /**
   * The tube that takes jobs which have had all their attempts. Needs `maxAttempts`. The move is two
   * steps: if the connection is lost between them, the job is in both tubes. The copy has a new id.
   */
  deadLetter?: string | undefined;
}

/** How `beanstalks://` connections are set up. Everything is PEM text. */
export interface TlsOptions {
  /** Whom to trust, and nobody else. Default: whom the system trusts. */
  ca?: string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined;
  /** The client's certificate and those that lead to its authority. Needs `key`. */
  cert?: string | Uint8Array | undefined;
  /** The client's private key. Needs `cert`. */
  key?: string | Uint8Array | undefined;
  /** The name that the server's certificate must carry. Default: the host of the URI. */
  serverName?: string | undefined;
}

/**
 * The settings of a client. All clients take all of them, so that one object will do; what is not
 * known is a `TypeError`, what is out of range a `RangeError`.
 */
export interface ClientOptions<T> {
  /**
   * Connections per URI: those of a producer, and those a consumer keeps open while idle. Default 1,
   * 1 to 1024.
   */
  multiply?: number | undefined;
  /** Handlers that one `receive` of a consumer runs at once. Default 10, 1 to 65536. */
  concurrency?: number | undefined;
  /**
   * Most connections a consumer opens to one server, 1 to 1024 and at least `multiply`. Default: as
   * many as `concurrency`, but at most 16.
   */
  maxConnections?: number | undefined;
  /**
   * Jobs a consumer reserves ahead of a free handler. Default 0, 0 to 65536. Their TTR runs while
   * they wait.
   */
  prefetch?: number | undefined;
  /**
   * Milliseconds from the name lookup over dial and TLS handshake to the first reply. Default 5000,
   * 1 to one hour.
   */
  connectTimeout?: number | undefined;
  /**
   * Milliseconds that a server may be silent while an answer is due; then the connection is closed,
   * and what had no answer may have been done. Default 5000, 1 to one hour.
   */
  commandTimeout?: number | undefined;
  /**
   * Milliseconds for a whole put, waiting for a connection and retries included. Default 15000, 0 to
   * one day. 0 fails at once when no connection is up.
   */
  putTimeout?: number | undefined;
  /**
   * Milliseconds that a waiting reserve stays with the server before it is renewed: a server that
   * dies silently while idle is noticed this late. Default 30000, 1000 to one hour.
   */
  reserveTimeout?: number | undefined;
  /**
   * Milliseconds before a lost connection is dialled again; doubled, with jitter, up to
   * `reconnectMax`. Default 100, 1 to one hour.
   */
  reconnectMin?: number | undefined;
  /** Longest such wait in milliseconds, at least `reconnectMin`. Default 3000, up to one hour. */
  reconnectMax?: number | undefined;
  /**
   * Whether a put whose connection was lost before the answer is done again. Default
   * `at-least-once`: it is, and the job may then exist twice. `at-most-once`: it fails with the
   * outcome `unknown`, and the job may not exist.
   */
  delivery?: 'at-least-once' | 'at-most-once' | undefined;
  /**
   * Whether a consumer touches a job for as long as it is not finished. Default false. A handler that
   * never ends then keeps its job for ever.
   */
  autoTouch?: boolean | undefined;
  /** What becomes of a job whose handler failed. */
  failure?: FailurePolicy | undefined;
  /** Largest body accepted from a server, in bytes. Default and most 2^30, at least 1. */
  maxBodySize?: number | undefined;
  /**
   * Bound on the memory of all waiting puts, in bytes: their bodies and a fixed overhead each. Callers
   * beyond it wait. Default 2^26, at least 4096.
   */
  maxPendingBytes?: number | undefined;
  /** How TLS connections are set up. */
  tls?: TlsOptions | undefined;
  /**
   * Whether host names are resolved when the client is made, so that a wrong one fails there. Default
   * true; turn it off where names may come up later than the client.
   */
  validateUris?: boolean | undefined;
  /**
   * How values become bodies: `raw` (default) takes Buffers, Uint8Arrays and strings as they are;
   * `json` takes whatever JSON can express.
   */
  codec?: 'raw' | 'json' | Codec<T> | undefined;
  /** Who is told what happens. Default: nobody. */
  logger?: Logger | undefined;
  /**
   * Spans for puts, handlers and finishing calls. Default: through `@opentelemetry/api` if that is
   * installed. `false`: none; `true`: it must be installed; or the module itself.
   */
  tracing?: boolean | OpenTelemetryApi | undefined;
  /**
   * Whether the trace goes along with the jobs. Default false. Needs `codec: 'json'`, on both sides:
   * bodies are then `{"beanwire": 1, "headers": {...}, "data": value}`. A consumer takes bodies
   * without that envelope, too.
   */
  propagate?: boolean | undefined;
}

/** The part of `@opentelemetry/api` that is used. */
export interface OpenTelemetryApi {
  trace: { getTracer(name: string, version?: string): unknown };
  context: object;
  propagation: object;
}

/** Several servers or one: `host:port`, `beanstalk://`, `beanstalks://` (TLS) or `unix://`. */
export type Uris = string | readonly string[];
