'use strict';

// What a client is behind its public face: its handle on the native side, what it has under way,
// and its connections.
//
// It does not know its public object, so that one that is forgotten can be collected and closed.

const dns = require('node:dns');
const { clearTimeout, setImmediate, setTimeout } = require('node:timers');

const { Aborted, Failure, closed, errorOf, timedOut } = require('./errors');
const { tell, tellError } = require('./events');
const { makeJob } = require('./job');
const memory = require('./memory');
const native = require('./native');
const reactor = require('./reactor');
const { Link } = require('./link');
const { Role } = require('./role');
const { read } = require('./records');

const { performance } = globalThis;

/** Names of tubes that are known by numbers. */
const MAX_TUBES = 1024;

/** How long a client that was forgotten may take for what is under way, in ms. */
const PATIENCE = 5000;

const NONE = -1;

const EMPTY_REPORT = Object.freeze({ abandonedJobs: 0, abandonedOperations: 0 });

class Core {
  /** The servers by their numbers on the native side. */
  servers = [];
  /** Why nothing can be done any more: opening failed, or it was closed. */
  failure = undefined;
  isOpen = false;
  /** Who stops when the client is closed. */
  crews = new Set();
  /** Reservations, by their numbers on the native side. */
  leases = [];
  /** Indexed by operation: who gets the result (a function, or an object with `complete`). */
  sinks = [];
  /** Which place it has in a batch. */
  places = [];

  #free = [];
  #native = new native.Client();
  #client;
  #addresses = [];
  #connectTimeout = 0;
  #links = new Map();
  #tubes = new Map();
  #timer;
  #isScheduled = false;
  #isDialing = false;
  /** The operation that ends when it is open, which is no reason to keep the process alive. */
  #opening = NONE;
  /** Who waits for it to be open, and for it to be closed. */
  #waiters = new Set();
  #closers = [];
  #report = null;
  #lastHealth = null;

  /** `client` refers weakly to the public object. */
  constructor(role, uris, tubes, settings, client) {
    this.role = role;
    this.settings = settings;
    this.#client = client;
    reactor.nextTick(() => this.#start(uris, tubes));
  }

  // Opening.

  #start(uris, tubes) {
    if (this.failure !== undefined) {
      return;
    }
    const told = this.#native.open(this.role, uris, tubes, this.settings.config);
    if (told.code !== undefined) {
      this.#opened(Failure.from(told));
      return;
    }
    this.servers = told.servers;
    this.#addresses = told.addresses;
    this.#connectTimeout = told.connectTimeout;
    if (told.validateUris) {
      this.#validate(0);
    } else {
      this.#dial();
    }
  }

  /** Looks every name up once, so that a wrong one fails at once. */
  #validate(place) {
    const at = this.#addresses.findIndex(({ isName }, index) => index >= place && isName);
    if (at < 0) {
      this.#dial();
      return;
    }
    let isOver = false;
    const end = (failure) => {
      if (isOver || this.failure !== undefined) {
        return;
      }
      isOver = true;
      clearTimeout(timer);
      if (failure === undefined) {
        this.#validate(at + 1);
      } else {
        this.#opened(failure);
      }
    };
    const bad = (reason) => end(Failure.from(this.#native.badName(at, reason)));
    const timer = setTimeout(setImmediate, this.#connectTimeout, bad);
    timer.unref();
    dns.lookup(this.#addresses[at].host, { all: true }, (error) => (
      error === null ? end() : bad(error.message)));
  }

  #dial() {
    this.#isDialing = true;
    if (this.role === Role.CONNECTION) {
      // Asked before anything is dialled, or the first attempt could fail unseen. The engine's own
      // limit comes first and tells more.
      const op = this.add((result) => this.#opened(result));
      this.#opening = op;
      reactor.release();
      this.#native.ready(op, this.#connectTimeout * 2);
    } else {
      this.#opened();
    }
    this.#native.ring();
    this.schedule();
  }

  #opened(failure) {
    if (failure instanceof Failure) {
      this.failure = failure;
      this.#endDialing();
      // Listeners may do what they want, which nobody may while records are read.
      reactor.queueMicrotask(() => this.#tellFailure(errorOf(failure)));
    } else {
      this.isOpen = true;
    }
    this.#tellWaiters();
  }

  #tellFailure(error) {
    const message = `cannot open: ${error.message}`;
    tellError(this.#client.deref(), this.settings.logger, message, error, { during: 'open' });
  }

  #endDialing() {
    if (this.#isDialing) {
      this.#native.close(0);
      this.schedule();
    }
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
    const promise = new Promise(reactor.capture);
    const end = reactor.resolveOf();
    this.#waiters.add(end);
    const giveUp = (why) => {
      this.#waiters.delete(end);
      end(why instanceof Aborted ? why : timedOut(timeout, 'not-sent'));
    };
    return reactor.guarded(promise, giveUp, signal, timeout).then((result) => {
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

  #tellWaiters() {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    waiters.forEach((end) => end(this.failure));
  }

  // Operations.

  /** Notes who gets the result of an operation, and gives its number. */
  add(sink) {
    const free = this.#free;
    const op = free.length > 0 ? free.pop() : this.sinks.length;
    this.sinks[op] = sink;
    reactor.hold();
    if (!this.#isScheduled) {
      this.schedule();
    }
    return op;
  }

  /** The same for one of a batch: it gets the result with its place. */
  addPlaced(batch, place) {
    const op = this.add(batch);
    this.places[op] = place;
    return op;
  }

  sinkOf(op) {
    return this.sinks[op];
  }

  /** Its number may be used again. */
  forget(op) {
    this.sinks[op] = undefined;
    this.#free.push(op);
    if (op === this.#opening) {
      this.#opening = NONE;
    } else {
      reactor.release();
    }
  }

  /** Cancels an operation if `sink` still waits for it; its result will not come. */
  cancel(op, sink) {
    if (this.sinks[op] !== sink) {
      return false;
    }
    this.native.cancel(op);
    this.forget(op);
    this.schedule();
    return true;
  }

  /** Has nobody get the result of an operation for which `sink` waits. */
  ignore(op, sink) {
    const isWaiting = this.sinks[op] === sink;
    if (isWaiting) {
      this.sinks[op] = nobody;
    }
    return isWaiting;
  }

  /** The number of a tube, or a Failure for what is no name of one. */
  tubeOf(name) {
    return this.#tubes.get(name) ?? this.#addTube(name);
  }

  #addTube(name) {
    const handle = this.native;
    if (this.#tubes.size === MAX_TUBES) {
      handle.forgetTubes();
      this.#tubes.clear();
    }
    const number = handle.addTube(name);
    if (typeof number !== 'number') {
      return Failure.from(number);
    }
    this.#tubes.set(name, number);
    return number;
  }

  // Turns.

  /** The native side, which knows by then what was submitted before. */
  get native() {
    memory.flush();
    return this.#native;
  }

  /** Has what was submitted started; called by its keeper. */
  start(buffer, count) {
    this.#native.submit(buffer, count);
  }

  schedule() {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      reactor.schedule(this);
    }
  }

  /** Does what is due on the native side, and what is to be done here. */
  turn() {
    this.#isScheduled = false;
    const micros = read(this, this.#native, 0, 0);
    if (micros > 0) {
      // Answers gather meanwhile: to be woken for each of them would take longer.
      this.#native.lookAway(micros);
    }
  }

  /** Has what was submitted sent at once, before the turn that is to follow. */
  begin() {
    read(this, this.#native, 0, 0);
  }

  /** So many bytes have come in on a link. */
  receive(link, length) {
    this.#isScheduled = false;
    if (read(this, this.#native, link, length) > 0) {
      // The turn behind it looks away, even if nothing is left to submit.
      this.schedule();
    }
  }

  /** Has the native side called again in `delay` ms. */
  setAlarm(delay) {
    clearTimeout(this.#timer);
    // What has come in meanwhile is looked at first: the thread may have been busy for long.
    this.#timer = setTimeout(setImmediate, delay, ring, this);
    this.#timer.unref();
  }

  ring() {
    this.native.ring();
    this.turn();
  }

  /** A job that the native side has reserved. */
  reserved(key, id, server, age, buffer, start, end) {
    return makeJob(this, key, id, this.servers[server], age, buffer, start, end);
  }

  tell(event) {
    // Why a connection could not be opened is told as a whole.
    if (this.isOpen || event.type === 'connected') {
      tell(this.settings.logger, event, this.#client.deref());
    }
  }

  // Connections.

  connect(key, server) {
    const link = new Link(this, key, this.#connectTimeout);
    this.#links.set(key, link);
    link.dial(this.#addresses[server]);
  }

  /** Says whether the chunk may be used anew. */
  send(key, chunk, isLast) {
    return this.#links.get(key)?.send(chunk, isLast) ?? true;
  }

  disconnect(key) {
    this.#links.get(key)?.close();
    this.#links.delete(key);
  }

  /** A connection has ended by itself; with an error unless the peer wanted it. */
  linkEnded(key, error) {
    this.#links.delete(key);
    this.native.closed(key, error?.errno ?? 0, error?.message);
    this.schedule();
  }

  // Health, and the end.

  get isConnected() {
    return this.isOpen && this.native.isConnected();
  }

  get health() {
    return this.isOpen ? this.native.health() : this.#lastHealth ?? { servers: [], waiting: 0 };
  }

  /** Closes it. A second call may only hurry the first. */
  async close(patience) {
    if (!this.isOpen) {
      this.#giveUpOpening();
      return this.#report ?? EMPTY_REPORT;
    }
    reactor.hold();
    const promise = new Promise(reactor.capture);
    this.#closers.push(reactor.resolveOf());
    this.native.close(patience);
    this.schedule();
    const report = await promise;
    if (this.crews.size > 0) {
      // Handlers whose last call has just ended are to end, too.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      this.crews.forEach((crew) => crew.abandon());
    }
    return report;
  }

  /** The native side has closed it. */
  closed(report) {
    if (this.isOpen) {
      this.#report = report;
      this.#lastHealth = this.#native.health();
      this.isOpen = false;
      this.failure = closed();
    }
    clearTimeout(this.#timer);
    for (const end of this.#closers.splice(0)) {
      end(report);
      reactor.release();
    }
  }

  /** Lets go of it without waiting: its public object was collected. */
  drop() {
    if (this.isOpen) {
      this.native.close(PATIENCE);
      this.schedule();
    } else {
      this.#giveUpOpening();
    }
  }

  #giveUpOpening() {
    if (this.failure === undefined) {
      this.failure = closed();
      if (this.#opening !== NONE) {
        this.cancel(this.#opening, this.sinks[this.#opening]);
      }
      this.#endDialing();
      this.#tellWaiters();
    }
  }
}

function ring(core) {
  core.ring();
}

function nobody() {}

module.exports = { Core };
