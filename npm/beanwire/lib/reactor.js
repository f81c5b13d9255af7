'use strict';

// The one native reactor of this thread, and who waits for which of its operations.
//
// Whatever is submitted within one tick leaves in one `turn()`, and what has ended comes back in
// records of plain numbers. Records are read to the end before anything else runs: who waits is
// only resolved here, and goes on in a microtask.

const { clearTimeout, setImmediate, setInterval, setTimeout } = require('node:timers');
const native = require('./native');
const { Aborted, Failure, timedOut } = require('./errors');
const { listen, unlisten } = require('./signals');

// Taken at load, so that fake timers in a test do not stop the client.
const { nextTick } = process;
const { queueMicrotask } = globalThis;

const CAPACITY = 1024;
const WORDS = 8;
const MAX_DELAY = 2 ** 30;

/** Turns in one go without a look at the event loop, whose timers and sockets would starve. */
const MAX_TICKS = 16;

const DONE = 0;
const INSERTED = 1;
const JOB = 2;
const VALUE = 3;
const ERROR = 4;

const STATES = ['ready', 'delayed', 'buried'];

/** What a stream of jobs or events ends with. */
const ENDED = Symbol('ended');

const memory = new ArrayBuffer(CAPACITY * WORDS * 4);
const words = new Uint32Array(memory);
const longs = new BigUint64Array(memory);
const payloads = [];

// Indexed by operation: who gets the result (a function, or an object with `complete`), whose
// client it is, which place it has in a batch, and whether it keeps the process alive.
const sinks = [];
const owners = [];
const places = [];
const weights = [];

/** Batches that have room for more; they are served once all records are read. */
const hungry = [];

let reactor;
let alive;
let isAlive = false;
let held = 0;
let ticks = 0;
let isScheduled = false;
let captured;

/** The native reactor; made when first needed. */
function start() {
  if (reactor === undefined) {
    reactor = new native.Reactor(wake, memory);
    alive = setInterval(() => {}, MAX_DELAY);
    alive.unref();
  }
  return reactor;
}

/** Waits for an operation. Resolves with its value or a Failure, and never rejects. */
function outcome(op, owner) {
  const promise = new Promise(capture);
  submit(op, owner, captured);
  captured = undefined;
  return promise;
}

/** The same, for what is no reason to keep the process alive. */
function background(op, owner) {
  const promise = new Promise(capture);
  submitQuietly(op, owner, captured);
  captured = undefined;
  return promise;
}

/**
 * The same, until `signal` aborts or `timeout` ms are over. The operation is then cancelled, or,
 * with `runsOn`, only not waited for any more.
 */
function limited(op, owner, signal, timeout, runsOn) {
  const promise = outcome(op, owner);
  if (signal === undefined && timeout === undefined) {
    return promise;
  }
  const sink = sinks[op];
  const giveUp = (why) => {
    if (sinks[op] !== sink) {
      return;
    }
    if (runsOn) {
      sinks[op] = ignore;
    } else {
      cancel(op, sink);
    }
    sink(why);
  };
  return guarded(promise, giveUp, signal, timeout);
}

/** Calls `giveUp` with the reason when `signal` aborts or time is over, unless `promise` is first. */
function guarded(promise, giveUp, signal, timeout) {
  const onAbort = () => giveUp(new Aborted(signal.reason));
  if (signal?.aborted) {
    onAbort();
    return promise;
  }
  listen(signal, onAbort);
  const timer = timeout === undefined || timeout === Infinity ? undefined
    : setTimeout(() => giveUp(timedOut(timeout, 'unknown')), timeout);
  return promise.then((result) => {
    unlisten(signal, onAbort);
    clearTimeout(timer);
    return result;
  });
}

/** Notes who gets the result of an operation. */
function submit(op, owner, sink) {
  sinks[op] = sink;
  owners[op] = owner;
  weights[op] = 1;
  held += 1;
  schedule();
}

/** The same, for what is no reason to keep the process alive. */
function submitQuietly(op, owner, sink) {
  submit(op, owner, sink);
  weights[op] = 0;
  held -= 1;
}

/** The same for one of a batch: it gets the result with its place. */
function submitPlaced(op, owner, batch, place) {
  places[op] = place;
  submit(op, owner, batch);
}

/** Cancels an operation if `sink` still waits for it; its result will not come. */
function cancel(op, sink) {
  if (sinks[op] !== sink) {
    return false;
  }
  forget(op);
  reactor.cancel(op);
  schedule();
  return true;
}

/** Serves a batch once all records are read. */
function feedLater(batch) {
  hungry.push(batch);
}

/** Keeps the process alive until `release`. */
function hold() {
  held += 1;
  schedule();
}

function release() {
  held -= 1;
  relaxLater();
}

/** Has a turn taken soon: when all that runs now has run, and has submitted what it wants. */
function schedule() {
  if (isScheduled) {
    return;
  }
  isScheduled = true;
  if (ticks < MAX_TICKS) {
    nextTick(flush);
  } else {
    setImmediate(flushAnew);
  }
}

function flush() {
  isScheduled = false;
  ticks += 1;
  turn();
  relax();
}

function flushAnew() {
  ticks = 0;
  flush();
}

/** Called by the native side, from the event loop. */
function wake() {
  ticks = 0;
  turnNow();
}

// Who was just resolved is likely to submit more at once: the timer is not touched in between.
function relaxLater() {
  queueMicrotask(relaxNext);
}

function relaxNext() {
  nextTick(relax);
}

function relax() {
  if (held > 0 === isAlive) {
    return;
  }
  isAlive = !isAlive;
  if (isAlive) {
    alive.ref();
  } else {
    alive.unref();
  }
}

/** Takes a turn at once, for who cannot wait. Not to be called while records are read. */
function turnNow() {
  turn();
  if (held === 0 && isAlive) {
    relaxLater();
  }
}

function turn() {
  let count;
  do {
    count = reactor.turn(payloads);
    read(count);
  } while (count === CAPACITY);
  while (hungry.length > 0) {
    hungry.pop().feed();
  }
}

function read(count) {
  let taken = 0;
  for (let at = 0; at < count * WORDS; at += WORDS) {
    const op = words[at];
    const sink = sinks[op];
    const owner = owners[op];
    const tag = words[at + 1];
    let value;
    switch (tag) {
      case DONE:
        break;
      case INSERTED:
        value = {
          id: longs[at / 2 + 2],
          server: owner.servers[words[at + 2]],
          state: STATES[words[at + 3]],
        };
        break;
      case JOB:
        value = owner.reserved(
          words[at + 3], longs[at / 2 + 2], words[at + 2], payloads[taken++], words[at + 6],
        );
        break;
      case VALUE:
        value = payloads[taken++];
        break;
      case ERROR:
        value = Failure.from(payloads[taken++]);
        break;
      default:
        value = ENDED;
    }
    forget(op);
    if (typeof sink === 'function') {
      sink(value);
    } else {
      sink.complete(value, places[op]);
    }
  }
  if (taken > 0) {
    payloads.length = 0;
  }
}

function forget(op) {
  held -= weights[op];
  weights[op] = 0;
  sinks[op] = undefined;
  owners[op] = undefined;
}

function capture(resolve) {
  captured = resolve;
}

function ignore() {}

module.exports = {
  ENDED,
  background,
  cancel,
  feedLater,
  guarded,
  hold,
  limited,
  outcome,
  queueMicrotask,
  release,
  schedule,
  start,
  submit,
  submitPlaced,
  submitQuietly,
  turnNow,
};
