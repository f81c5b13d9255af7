'use strict';

// What a client is behind its public face: its handle on the native side and the way there.
//
// It does not know its public object, so that one that is forgotten can be collected and closed.

const { setImmediate } = require('node:timers');

const { Aborted, Failure, closed, timedOut } = require('./errors');
const reactor = require('./reactor');
const { makeJob } = require('./job');

const NOT_OPEN = -1;

const EMPTY_REPORT = Object.freeze({ abandonedJobs: 0, abandonedOperations: 0 });

class Core {
  /** The native handle, and the servers by their numbers there. */
  client = NOT_OPEN;
  servers = [];
  /** Why nothing can be done any more: opening failed, or it was closed. */
  failure = undefined;
  /** Who stops when the client is closed. */
  crews = new Set();

  #native = reactor.start();
  #told;
  /** Ends when all that happened was told. */
  #telling;
  #opening = NOT_OPEN;
  /** Who waits for it to be open. */
  #waiters = new Set();
  #closes = 0;
  #report = null;
  #lastHealth = null;

  /** `told` gets this and the stream of events once it is open, or the Failure if it cannot be. */
  constructor(role, uris, tubes, settings, told) {
    this.role = role;
    this.settings = settings;
    this.#told = told;
    this.#opening = this.#native.open(role, uris, tubes, settings.config);
    reactor.submitQuietly(this.#opening, this, this);
  }

  get native() {
    return this.#native;
  }

  /** Called with the result of opening, while records are read: nothing may be submitted now. */
  complete(result) {
    reactor.queueMicrotask(() => this.#opened(result));
  }

  #opened(result) {
    if (this.failure !== undefined) {
      // Closed in the meantime.
      if (!(result instanceof Failure)) {
        this.#native.closeEvents(result.events);
        this.#native.dropClient(result.client);
      }
      return;
    }
    if (result instanceof Failure) {
      this.failure = result;
    } else {
      this.servers = result.servers;
      this.client = result.client;
    }
    this.#telling = this.#told(this, result instanceof Failure ? result : result.events);
    this.#tellWaiters();
  }

  /**
   * Waits until it is open. Gives a Failure if it is not. It may be closed before the caller goes
   * on: look at `failure` then.
   */
  whenOpen(signal, timeout) {
    if (this.isOpen || this.failure !== undefined) {
      return this.failure;
    }
    reactor.hold();
    let tell;
    const promise = new Promise((resolve) => {
      tell = resolve;
    });
    this.#waiters.add(tell);
    const giveUp = (why) => {
      this.#waiters.delete(tell);
      tell(why);
    };
    const notSent = (why) => giveUp(why instanceof Aborted ? why : timedOut(timeout, 'not-sent'));
    return reactor.guarded(promise, notSent, signal, timeout).then((result) => {
      reactor.release();
      return result;
    });
  }

  /** Waits until it is open and runs `go` with what is left of `timeout`. Gives its result, or a Failure. */
  async onceOpen(signal, timeout, go) {
    const start = performance.now();
    const failure = (await this.whenOpen(signal, timeout)) ?? this.failure;
    if (failure !== undefined) {
      return failure;
    }
    return go(timeout === undefined ? undefined : Math.max(0, timeout - (performance.now() - start)));
  }

  /** A job that the native side has reserved. */
  reserved(key, id, server, body, age) {
    return makeJob(this, key, id, this.servers[server], body, age);
  }

  get isOpen() {
    return this.client !== NOT_OPEN;
  }

  get isConnected() {
    return this.isOpen && this.#native.isConnected(this.client);
  }

  get health() {
    return this.isOpen ? this.#native.health(this.client)
      : this.#lastHealth ?? { servers: [], waiting: 0 };
  }

  /** Closes it. A second call may only hurry the first. */
  async close(patience) {
    if (!this.isOpen) {
      this.#giveUpOpening();
      return this.#report ?? EMPTY_REPORT;
    }
    this.#closes += 1;
    const report = await reactor.outcome(this.#native.close(this.client, patience), this);
    this.#closes -= 1;
    if (this.#closes === 0) {
      this.#lastHealth = this.#native.health(this.client);
      this.#report = report;
      this.#forget();
    }
    reactor.hold();
    await this.#telling;
    reactor.release();
    if (this.crews.size > 0) {
      // Handlers whose last call has just ended are to end, too.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      this.crews.forEach((crew) => crew.abandon());
    }
    return report;
  }

  /** Lets go of it without waiting: its public object was collected. */
  drop() {
    if (this.isOpen) {
      this.#forget();
    } else {
      this.#giveUpOpening();
    }
  }

  #forget() {
    this.#native.dropClient(this.client);
    this.client = NOT_OPEN;
    this.failure = closed();
  }

  #giveUpOpening() {
    if (this.failure === undefined) {
      reactor.cancel(this.#opening, this);
      this.failure = closed();
      this.#tellWaiters();
    }
  }

  #tellWaiters() {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    waiters.forEach((tell) => tell(this.failure));
  }
}

module.exports = { Core };
