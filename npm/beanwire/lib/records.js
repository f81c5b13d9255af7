'use strict';

// Turns of the native side, and the records of them.
//
// Records are read to the end before anything else runs: who waits is only resolved here, and goes on
// in a microtask. What is submitted meanwhile is started by a later turn.

const { markAsUntransferable } = require('node:worker_threads');

const { Failure } = require('./errors');
const memory = require('./memory');
const { input } = require('./wire');
const {
  BESIDE, CLOSE, CLOSED, CONNECT, DONE, ENTRY_WORDS, ERROR, EVENT, INSERTED, JOB, LOST, SEND, VALUE,
} = require('./native');

const { FIRST_RECORD, longs, words } = memory;

/** In the header. */
const NO_ALARM = 2 ** 32 - 1;

/** Bodies of jobs that come together share a buffer; it is replaced once there is less room. */
const BODIES = 16 * 1024;
const LEAST_ROOM = 1024;

/** What is sent in one go; more once there was much to send. */
const LEAST_WIRE = 64 * 1024;
const MOST_WIRE = 256 * 1024;

const STATES = ['ready', 'delayed', 'buried'];

let bodies = makeRoom();
let bodiesAt = 0;
/** What is to be sent. */
let wire = Buffer.allocUnsafeSlow(LEAST_WIRE);
const payloads = [];

/** Batches that have room for more; they are served once all records are read. */
const hungry = [];

/**
 * Has the native side take turns until there is nothing to do, and does what it says. So many bytes
 * have come in on a link. Gives for how many microseconds it is worthwhile to look away then.
 */
function read(core, native, link, length) {
  let left = length;
  let isMore;
  let gather;
  do {
    // A turn before may have failed.
    payloads.length = 0;
    const submitted = memory.taken(core);
    const count = native.turn(
      memory.buffer, submitted, bodies, bodiesAt, wire, payloads, input, link, left,
    );
    left = 0;
    isMore = words[1] === 1;
    gather = words[2];
    if (words[0] !== NO_ALARM) {
      core.setAlarm(words[0]);
    }
    const events = readRecords(core, count);
    while (hungry.length > 0) {
      hungry.pop().feed();
    }
    events?.forEach((event) => core.tell(event));
  } while (isMore);
  return gather;
}

/** Gives the events, of which listeners are told that may do what they want. */
function readRecords(core, count) {
  const last = FIRST_RECORD + count * ENTRY_WORDS;
  let events;
  let taken = 0;
  let sent = 0;
  let isWireTaken = true;
  for (let at = FIRST_RECORD; at < last; at += ENTRY_WORDS) {
    const key = words[at];
    const tag = words[at + 1];
    switch (tag) {
      case DONE:
        end(core, key, undefined);
        break;
      case INSERTED:
        end(core, key, {
          id: longs[at / 2 + 2], server: core.servers[words[at + 2]], state: STATES[words[at + 3]],
        });
        break;
      case JOB: {
        const length = words[at + 7];
        const isBeside = length === BESIDE;
        end(core, key, core.reserved(
          words[at + 3], longs[at / 2 + 2], words[at + 2], words[at + 6],
          isBeside ? payloads[taken++] : bodies, bodiesAt, isBeside ? -1 : bodiesAt + length,
        ));
        bodiesAt += isBeside ? 0 : length;
        break;
      }
      case VALUE:
        end(core, key, payloads[taken++]);
        break;
      case ERROR:
        end(core, key, Failure.from(payloads[taken++]));
        break;
      case LOST:
        core.leases[words[at + 3]]?.lose();
        break;
      case EVENT:
        (events ??= []).push(payloads[taken++]);
        break;
      case CONNECT:
        core.connect(key, words[at + 2]);
        break;
      case SEND: {
        const chunk = wire.subarray(sent, sent + words[at + 2]);
        sent += chunk.length;
        isWireTaken = core.send(key, chunk, words[at + 3] === 1) && isWireTaken;
        break;
      }
      case CLOSE:
        core.disconnect(key);
        break;
      case CLOSED:
        core.closed({ abandonedOperations: words[at + 2], abandonedJobs: words[at + 3] });
        break;
      default:
        throw new Error(`beanwire: no such record: ${tag}`);
    }
  }
  if (taken > 0) {
    payloads.length = 0;
  }
  const isWireSmall = sent > wire.length / 2 && wire.length < MOST_WIRE;
  if (!isWireTaken || isWireSmall) {
    wire = Buffer.allocUnsafeSlow(isWireSmall ? wire.length * 2 : wire.length);
  }
  if (bodies.length - bodiesAt < LEAST_ROOM) {
    bodies = makeRoom();
    bodiesAt = 0;
  }
  return events;
}

/** It stays here: to transfer it with one of its bodies would take the others away, too. */
function makeRoom() {
  const room = Buffer.allocUnsafeSlow(BODIES);
  markAsUntransferable(room.buffer);
  return room;
}

function end(core, op, value) {
  const sink = core.sinks[op];
  core.forget(op);
  if (typeof sink === 'function') {
    sink(value);
  } else {
    sink.complete(value, core.places[op]);
  }
}

/** Serves a batch once all records are read. */
function feedLater(batch) {
  hungry.push(batch);
}

module.exports = { feedLater, read };
