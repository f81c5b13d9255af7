'use strict';

// The memory that both sides see, and what is submitted through it.
//
// What the clients of this thread are asked to do most often is written there, and started many at
// a time: a call to the native side for each would cost more than the work.

const {
  BODIES, CONFIGURED, ENTRY_WORDS, FINISH, FOREVER, PUT, RECEIVE, RECORDS, SUBMISSIONS,
} = require('./native');

const FIRST = ENTRY_WORDS;
const FIRST_RECORD = FIRST + SUBMISSIONS * ENTRY_WORDS;
const FIRST_BODY = 4 * (FIRST_RECORD + RECORDS * ENTRY_WORDS);

/** No string is longer in UTF-8 than this many times its length. */
const UTF8_GROWTH = 3;

const buffer = Buffer.allocUnsafeSlow(FIRST_BODY + BODIES);
const words = new Uint32Array(buffer.buffer, 0, FIRST_BODY / 4);
const longs = new BigUint64Array(buffer.buffer, 0, FIRST_BODY / 8);

/** The client whose submissions are there, how many, and where the next body goes. */
let owner;
let count = 0;
let bodyAt = FIRST_BODY;

/** Where the next submission of a client goes. */
function place(core, bodyLength) {
  if (owner !== core || count === SUBMISSIONS || bodyAt + bodyLength > buffer.length) {
    flush();
    owner = core;
  }
  const at = FIRST + count * ENTRY_WORDS;
  count += 1;
  return at;
}

function put(core, op, tube, body, { delay, priority, timeout, ttr }) {
  const isText = typeof body === 'string';
  const most = isText ? body.length * UTF8_GROWTH : body.length;
  const limit = timeout === undefined ? CONFIGURED
    : timeout === Infinity ? FOREVER : Math.ceil(timeout);
  if (most > BODIES) {
    const bytes = isText ? Buffer.from(body) : body;
    core.native.put(op, tube, bytes, priority, delay, ttr, limit);
    return;
  }
  const at = place(core, most);
  let length = most;
  if (isText) {
    length = buffer.write(body, bodyAt);
  } else {
    buffer.set(body, bodyAt);
  }
  bodyAt += length;
  words[at] = PUT;
  words[at + 1] = op;
  words[at + 2] = tube;
  words[at + 3] = priority;
  words[at + 4] = delay;
  words[at + 5] = ttr;
  words[at + 6] = limit;
  words[at + 7] = length;
}

function receive(core, op) {
  const at = place(core, 0);
  words[at] = RECEIVE;
  words[at + 1] = op;
}

/** Without a `priority` the job keeps its own. */
function finish(core, op, job, how, priority, delay) {
  const at = place(core, 0);
  words[at] = FINISH;
  words[at + 1] = op;
  words[at + 2] = job;
  words[at + 3] = how;
  words[at + 4] = priority ?? 0;
  words[at + 5] = delay;
  words[at + 6] = priority === undefined ? 0 : 1;
}

/** Has what was submitted started. */
function flush() {
  if (count > 0) {
    const submitter = owner;
    submitter.start(buffer, taken(submitter));
  }
}

/** How many submissions of a client are there; they are the native side's from now on. */
function taken(core) {
  if (owner !== core) {
    return 0;
  }
  const all = count;
  owner = undefined;
  count = 0;
  bodyAt = FIRST_BODY;
  return all;
}

module.exports = { FIRST_RECORD, buffer, finish, flush, longs, put, receive, taken, words };
