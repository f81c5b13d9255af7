'use strict';

// Putting jobs: what producers and connections share.

const check = require('./check');
const { encode, wrap } = require('./codec');
const {
  Failure, Thrown, errorOf, unknownOption, valueOf, wrongType,
} = require('./errors');
const memory = require('./memory');
const reactor = require('./reactor');
const { feedLater } = require('./records');
const { end, noteJob, spansOf } = require('./tracing');

const DEFAULT_TTR = 60;
/** Puts of one batch that are under way at once; the rest waits for room. */
const WINDOW = 4096;
/** The server begins with so many of them, and then with so many times more, while the rest is read. */
const HEAD_START = 32;
const GROWTH = 8;

const PUT_OPTIONS = ['priority', 'delay', 'ttr', 'signal', 'timeout'];
const JOB_FIELDS = ['tube', 'body', 'priority', 'delay', 'ttr'];

/** The parameters of a put, from what its caller gave. */
class Parameters {
  priority = check.DEFAULT_PRIORITY;
  delay = 0;
  ttr = DEFAULT_TTR;
  /** The configured one. */
  timeout = undefined;
  signal = undefined;

  /** As at first, the timeout aside. */
  reset() {
    this.priority = check.DEFAULT_PRIORITY;
    this.delay = 0;
    this.ttr = DEFAULT_TTR;
  }

  set(name, value, known) {
    if (value === undefined) {
      return;
    }
    switch (name) {
      case 'priority':
        this.priority = check.priority(name, value);
        break;
      case 'delay':
        this.delay = check.seconds(name, value);
        break;
      case 'ttr':
        this.ttr = check.seconds(name, value, 1);
        break;
      case 'timeout':
        this.timeout = check.timeout(name, value);
        break;
      case 'signal':
        this.signal = check.openSignal(name, value);
        break;
      default:
        throw unknownOption(name, known);
    }
  }
}

const DEFAULTS = Object.freeze(new Parameters());

function parametersOf(options) {
  if (options === undefined) {
    return DEFAULTS;
  }
  check.object('options', options);
  const parameters = new Parameters();
  for (const name in options) {
    parameters.set(name, options[name], PUT_OPTIONS);
  }
  return parameters;
}

/** The value of one put, or a Failure. Throws what can be seen to be wrong before anything is sent. */
function put(core, tube, value, options) {
  const parameters = parametersOf(options);
  check.text('tube', tube);
  const { codec, propagate } = core.settings;
  const span = spansOf(core.settings)?.put(tube);
  if (span !== undefined && (propagate || span.isRecording())) {
    return putTraced(core, tube, value, parameters, span);
  }
  return send(core, tube, encode(codec, propagate ? wrap(value, {}) : value), parameters);
}

function send(core, tube, body, parameters) {
  if (!core.isOpen) {
    return sendOnceOpen(core, tube, body, parameters);
  }
  const number = core.tubeOf(tube);
  if (number instanceof Failure) {
    return number;
  }
  const promise = new Promise(reactor.capture);
  const op = core.add(reactor.resolveOf());
  memory.put(core, op, number, body, parameters);
  return reactor.limited(promise, core, op, parameters.signal);
}

function sendOnceOpen(core, tube, body, parameters) {
  const { signal, timeout } = parameters;
  // The caller may do with the bytes what it wants from now on.
  const copy = typeof body === 'string' ? body : Buffer.from(body);
  return core.onceOpen(signal, timeout, (left) => (
    send(core, tube, copy, { ...parameters, timeout: left })
  ));
}

async function putTraced(core, tube, value, parameters, span) {
  const { codec, propagate, tracing } = core.settings;
  try {
    const content = propagate ? wrap(value, tracing.headersOf(span)) : value;
    const body = encode(codec, content);
    span.setAttribute('messaging.message.body.size', Buffer.byteLength(body));
    const result = await send(core, tube, body, parameters);
    if (result instanceof Failure) {
      end(span, result);
    } else {
      noteJob(span, result);
      end(span);
    }
    return result;
  } catch (error) {
    end(span, error);
    throw error;
  }
}

/** Puts many jobs; gives one result for each, in their order. */
async function putMany(core, jobs, options) {
  const { signal, timeout } = check.limits(options);
  if (typeof jobs?.[Symbol.iterator] !== 'function' || typeof jobs === 'string') {
    throw wrongType('jobs', jobs, 'an array or another iterable of jobs');
  }
  const span = spansOf(core.settings)?.putMany();
  valueOf(await core.whenOpen(signal, timeout));
  const batch = new Batch(core, jobs[Symbol.iterator](), timeout, span);
  valueOf(await batch.run(signal));
  const { results } = batch;
  let first;
  for (let at = 0; at < results.length; at += 1) {
    if (results[at] instanceof Failure) {
      results[at] = { error: errorOf(results[at]) };
      first ??= results[at].error;
    }
  }
  span?.setAttribute('messaging.batch.message_count', results.length);
  if (span !== undefined) {
    end(span, first);
  }
  return results;
}

/** Puts under way that have one waiter. */
class Batch {
  results = [];

  #core;
  #jobs;
  /** Of one job after the other. */
  #parameters = new Parameters();
  #headers;
  #underWay = 0;
  #ops = [];
  #nextStart = HEAD_START;
  #isHungry = false;
  #isOver = false;
  #tell;

  constructor(core, jobs, timeout, span) {
    const { propagate, tracing } = core.settings;
    this.#core = core;
    this.#jobs = jobs;
    this.#parameters.timeout = timeout;
    this.#headers = propagate ? (span === undefined ? {} : tracing.headersOf(span)) : undefined;
  }

  /** Resolves when all have ended, or with a Failure if `signal` aborts. */
  run(signal) {
    const promise = new Promise((resolve) => {
      this.#tell = resolve;
    });
    // First of all, for what is read may abort the signal.
    const guarded = reactor.guarded(promise, (why) => this.#stop(why), signal);
    this.feed();
    return guarded;
  }

  /** Called with each result, while records are read. */
  complete(result, place) {
    this.results[place] = result;
    this.#underWay -= 1;
    if (this.#isOver ? this.#underWay === 0 : !this.#isHungry && this.#underWay <= WINDOW / 2) {
      this.#isHungry = true;
      feedLater(this);
    }
  }

  /** Submits as many as there is room for. */
  feed() {
    // What begins early may end meanwhile: it is not to be fed while it feeds.
    this.#isHungry = true;
    while (!this.#isOver && this.#underWay < WINDOW) {
      const job = this.#next();
      // To ask for it may have aborted the signal.
      if (!this.#isOver) {
        this.#submit(job);
        this.#startEarly();
      }
    }
    this.#isHungry = false;
    if (this.#isOver && this.#underWay === 0) {
      this.#tell();
    }
  }

  /** The next job, unless it is over then. */
  #next() {
    try {
      const { done, value } = this.#jobs.next();
      if (!done) {
        return value;
      }
      this.#isOver = true;
    } catch (error) {
      this.#stop(new Thrown(error));
    }
    return undefined;
  }

  #startEarly() {
    if (this.results.length === this.#nextStart && this.#nextStart < WINDOW) {
      this.#nextStart *= GROWTH;
      this.#core.begin();
    }
  }

  #submit(job) {
    const place = this.results.length;
    this.results.push(undefined);
    const core = this.#core;
    if (!core.isOpen) {
      this.results[place] = core.failure;
      return;
    }
    try {
      this.#put(job, place);
    } catch (error) {
      this.results[place] = new Thrown(error);
    }
  }

  #put(job, place) {
    check.object('job', job);
    const parameters = this.#parameters;
    parameters.reset();
    for (const name in job) {
      if (name !== 'tube' && name !== 'body') {
        parameters.set(name, job[name], JOB_FIELDS);
      }
    }
    const core = this.#core;
    const { body, tube } = job;
    check.text('tube', tube);
    const content = encode(
      core.settings.codec, this.#headers === undefined ? body : wrap(body, this.#headers),
    );
    const number = core.tubeOf(tube);
    if (number instanceof Failure) {
      this.results[place] = number;
      return;
    }
    const op = core.addPlaced(this, place);
    this.#ops[place] = op;
    this.#underWay += 1;
    memory.put(core, op, number, content, parameters);
  }

  #stop(why) {
    this.#isOver = true;
    this.results.forEach((result, place) => {
      if (result === undefined) {
        this.#core.cancel(this.#ops[place], this);
      }
    });
    this.#tell(why);
  }
}

module.exports = { put, putMany };
