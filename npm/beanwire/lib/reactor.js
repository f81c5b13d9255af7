'use strict';

// When the clients of this thread take their turns, whether they keep the process alive, and how
// their calls are waited for.

const { clearTimeout, setImmediate, setInterval, setTimeout } = require('node:timers');
const { Aborted, timedOut } = require('./errors');
const { listen, unlisten } = require('./signals');

// Taken at load, so that fake timers in a test do not stop the client.
const { nextTick } = process;
const { queueMicrotask } = globalThis;

const MAX_DELAY = 2 ** 30;

/** What waiting for a job ends with when there will be none. */
const ENDED = Symbol('ended');

let alive;
let isAlive = false;
let held = 0;
let scheduled = [];
let captured;

/** Keeps the process alive until `release`. */
function hold() {
  held += 1;
  if (!isAlive) {
    alive ??= setInterval(() => {}, MAX_DELAY);
    alive.ref();
    isAlive = true;
  }
}

function release() {
  held -= 1;
  if (held === 0) {
    // Who was just resolved is likely to go on at once: the timer is not touched in between.
    queueMicrotask(relaxLater);
  }
}

function relaxLater() {
  nextTick(relax);
}

function relax() {
  if (held === 0 && isAlive) {
    alive.unref();
    isAlive = false;
  }
}

/** Has a client take a turn when all that runs now has run, and has submitted what it wants. */
function schedule(core) {
  if (scheduled.length === 0) {
    nextTick(flush);
  }
  scheduled.push(core);
}

function flush() {
  const cores = scheduled;
  scheduled = [];
  for (const core of cores) {
    try {
      core.turn();
    } catch (error) {
      // The others take theirs all the same.
      nextTick(raise, error);
    }
  }
}

function raise(error) {
  throw error;
}

/** Starts an operation of a client. Resolves with its value or a Failure, and never rejects. */
function outcome(core, start, signal, timeout) {
  const promise = new Promise(capture);
  const op = core.add(captured);
  start(op);
  return limited(promise, core, op, signal, timeout);
}

/**
 * The outcome of an operation, until `signal` aborts or `timeout` ms are over. The operation is then
 * cancelled, or, with `runsOn`, only not waited for any more.
 */
function limited(promise, core, op, signal, timeout, runsOn) {
  if (signal === undefined && timeout === undefined) {
    return promise;
  }
  const sink = core.sinkOf(op);
  const giveUp = (why) => {
    if (runsOn ? core.ignore(op, sink) : core.cancel(op, sink)) {
      sink(why);
    }
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
  // What has come in meanwhile is looked at first: the thread may have been busy for long.
  const timer = timeout === undefined || timeout === Infinity ? undefined
    : setTimeout(setImmediate, timeout, () => giveUp(timedOut(timeout, 'unknown')));
  return promise.then((result) => {
    unlisten(signal, onAbort);
    clearTimeout(timer);
    return result;
  });
}

/** To make a promise with: `resolveOf` then gives its end, without a closure for each. */
function capture(resolve) {
  captured = resolve;
}

function resolveOf() {
  return captured;
}

module.exports = {
  ENDED, capture, guarded, hold, limited, nextTick, outcome, queueMicrotask, release, resolveOf, schedule,
};
