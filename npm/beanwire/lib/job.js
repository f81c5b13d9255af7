'use strict';

const { inspect } = require('node:util');

const check = require('./check');
const { unwrap } = require('./codec');
const { Failure, errorOf, valueOf } = require('./errors');
const memory = require('./memory');
const reactor = require('./reactor');
const { end, spansOf } = require('./tracing');

const DELETE = 0;
const RELEASE = 1;
const BURY = 2;
const FAIL = 3;
/** Its own priority. */
const KEEP = undefined;

const HELD = 0;
const FINISHED = 1;
const GIVEN_BACK = 2;

/** As the end of a body: it is the whole buffer. */
const WHOLE = -1;

/** Proof that a job is made here. */
const OURS = Symbol('ours');

/** Jobs that were pulled and forgotten count as failed. */
const forgotten = new FinalizationRegistry((lease) => lease.drop());

let leaseOf;
let abortJob;

/** A reservation on the native side. It does not know its job, so that a forgotten one is noticed. */
class Lease {
  state = HELD;
  isLost = false;
  /** Held so that a client whose job is in somebody's hand is not collected. */
  client = undefined;
  /** Who waits for its loss. */
  #tell = undefined;
  #isPulled = false;

  constructor(core, key, id) {
    this.core = core;
    this.key = key;
    this.id = id;
    core.leases[key] = this;
  }

  /** From now on the job fails if it is collected unfinished, and keeps its client until then. */
  watchOver(job, client) {
    this.#isPulled = true;
    this.client = client;
    forgotten.register(job, this, this);
  }

  /** Why nothing can be done with it any more, if so. */
  get failure() {
    switch (this.state) {
      case HELD:
        return undefined;
      case FINISHED: {
        const message = `job ${this.id} was deleted, released or buried before`;
        return new Failure('JOB_FINISHED', message, 'not-sent', 'never');
      }
      default: {
        const message = `job ${this.id} was given back, because its receiver was stopped by force`;
        return new Failure('JOB_LOST', message, 'not-sent', 'never');
      }
    }
  }

  /** Finishes it; the native side forgets it then. It runs to its end also if nobody waits. */
  finish(how, priority, delay, signal, timeout) {
    const { core } = this;
    const promise = new Promise(reactor.capture);
    const op = core.add(reactor.resolveOf());
    memory.finish(core, op, this.key, how, priority, delay);
    this.#settle(FINISHED);
    return reactor.limited(promise, core, op, signal, timeout, true);
  }

  touch(signal, timeout) {
    return this.#ask((op) => this.core.native.touch(op, this.key), signal, timeout);
  }

  touchAfter(signal, timeout) {
    return this.#ask((op) => this.core.native.touchAfter(op, this.key), signal, timeout);
  }

  stats(signal, timeout) {
    return this.#ask((op) => this.core.native.jobStats(op, this.key), signal, timeout);
  }

  #ask(start, signal, timeout) {
    return reactor.outcome(this.core, start, signal, timeout);
  }

  /** Gives it back unharmed. */
  giveBack() {
    if (this.state === HELD) {
      this.core.native.giveBack(this.key);
      this.#settle(GIVEN_BACK);
      this.core.schedule();
    }
  }

  /** Forgets it: it counts as failed if it is not finished. */
  drop() {
    if (this.state === HELD) {
      this.core.native.dropJob(this.key);
      this.#settle(FINISHED);
      this.core.schedule();
    }
  }

  /** Whether the reservation is gone, as far as the native side knows by now. */
  get isGone() {
    if (this.state === HELD && !this.isLost) {
      this.core.turn();
    }
    return this.isLost || this.state === GIVEN_BACK;
  }

  /** Calls `tell` when the reservation is lost. */
  watch(tell) {
    this.#tell = tell;
  }

  /** The native side says that the reservation is lost. */
  lose() {
    this.isLost = true;
    if (this.#tell !== undefined) {
      reactor.queueMicrotask(this.#tell);
    }
  }

  #settle(state) {
    this.state = state;
    this.core.leases[this.key] = undefined;
    this.client = undefined;
    if (this.#isPulled) {
      forgotten.unregister(this);
    }
  }
}

/** A reserved job. */
class Job {
  #lease;
  #id;
  #server;
  /** Its bytes; taken out of the buffer of many when they are first asked for. */
  #body;
  #start;
  #end;
  #reservedAt;
  #controller;
  #decoded;

  static {
    leaseOf = (job) => job.#lease;
    abortJob = (job) => job.#abort();
  }

  constructor(ours, core, key, id, server, reservedAt, buffer, start, end) {
    if (ours !== OURS) {
      throw new TypeError('a Job comes from a Consumer or a Connection');
    }
    this.#lease = new Lease(core, key, id);
    this.#id = id;
    this.#server = server;
    this.#body = buffer;
    this.#start = start;
    this.#end = end;
    this.#reservedAt = reservedAt;
  }

  get id() {
    return this.#id;
  }

  get server() {
    return this.#server;
  }

  get body() {
    if (this.#end !== WHOLE) {
      this.#body = this.#body.subarray(this.#start, this.#end);
      this.#end = WHOLE;
    }
    return this.#body;
  }

  get reservedAt() {
    return new Date(this.#reservedAt);
  }

  text() {
    return this.body.toString();
  }

  json() {
    return JSON.parse(this.body.toString());
  }

  get data() {
    // Decoded once; a body that cannot be decoded throws anew each time.
    if (this.#decoded === undefined) {
      const { codec, propagate } = this.#lease.core.settings;
      const value = codec.decode(this.body);
      this.#decoded = { value: propagate ? unwrap(value).data : value };
    }
    return this.#decoded.value;
  }

  get isFinished() {
    return this.#lease.state === FINISHED;
  }

  get isLost() {
    return this.#lease.isGone;
  }

  get signal() {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.isLost) {
        this.#abort();
      } else {
        // Weakly: who listens may have the job in hand, which must not keep it from being noticed.
        const self = new WeakRef(this);
        this.#lease.watch(() => {
          const job = self.deref();
          if (job !== undefined) {
            abortJob(job);
          }
        });
      }
    }
    return this.#controller.signal;
  }

  async delete(options) {
    const { signal, timeout } = options === undefined ? NO_LIMITS : check.limits(options);
    return this.#valueOf(await this.#finish('delete', DELETE, KEEP, 0, signal, timeout));
  }

  async release(options) {
    const { delay, priority, signal, timeout } = check.options(options, RELEASE_OPTIONS);
    const finishing = this.#finish(
      'release', RELEASE,
      priority === undefined ? KEEP : check.priority('priority', priority),
      delay === undefined ? 0 : check.seconds('delay', delay),
      check.openSignal('signal', signal), check.timeout('timeout', timeout),
    );
    return this.#valueOf(await finishing);
  }

  async bury(options) {
    const { priority, signal, timeout } = check.options(options, BURY_OPTIONS);
    const finishing = this.#finish(
      'bury', BURY,
      priority === undefined ? KEEP : check.priority('priority', priority),
      0,
      check.openSignal('signal', signal), check.timeout('timeout', timeout),
    );
    return this.#valueOf(await finishing);
  }

  async fail(options) {
    const { signal, timeout } = check.limits(options);
    return this.#valueOf(await this.#finish('fail', FAIL, KEEP, 0, signal, timeout));
  }

  async touch(options) {
    const { signal, timeout } = check.limits(options);
    return this.#valueOf(this.#lease.failure ?? await this.#lease.touch(signal, timeout));
  }

  async touchAfter(options) {
    const { signal, timeout } = check.limits(options);
    return this.#valueOf(this.#lease.failure ?? await this.#lease.touchAfter(signal, timeout));
  }

  async stats(options) {
    const { signal, timeout } = check.limits(options);
    return this.#valueOf(this.#lease.failure ?? await this.#lease.stats(signal, timeout));
  }

  [inspect.custom]() {
    const { isLost, state } = this.#lease;
    const how = state === FINISHED ? ', finished' : isLost ? ', lost' : '';
    return `Job { ${this.#id} of ${this.#server}, ${this.body.length} bytes${how} }`;
  }

  #finish(name, how, priority, delay, signal, timeout) {
    const lease = this.#lease;
    if (lease.state !== HELD) {
      return lease.failure;
    }
    const span = spansOf(lease.core.settings)?.settle(name, this);
    const finishing = lease.finish(how, priority, delay, signal, timeout);
    if (!span?.isRecording()) {
      return finishing;
    }
    return finishing.then((result) => {
      end(span, result instanceof Failure ? result : undefined);
      return result;
    });
  }

  #valueOf(result) {
    if (result instanceof Failure && result.code === 'JOB_LOST') {
      this.#lease.isLost = true;
    }
    return valueOf(result);
  }

  #abort() {
    this.#controller?.abort(errorOf(this.#lease.failure ?? lost(this.#id)));
  }
}

const NO_LIMITS = {};
const RELEASE_OPTIONS = ['delay', 'priority', 'signal', 'timeout'];
const BURY_OPTIONS = ['priority', 'signal', 'timeout'];

function lost(id) {
  return new Failure('JOB_LOST', `job ${id} is lost: its reservation is gone`, 'not-sent', 'never');
}

/**
 * `age` is how many microseconds ago the server's answer came in. The body is part of a buffer, or,
 * if `end` is -1, all of it.
 */
function makeJob(core, key, id, server, age, buffer, start, end) {
  return new Job(OURS, core, key, id, server, Date.now() - age / 1000, buffer, start, end);
}

/** A job of `client` for somebody who may forget it. */
function pulled(job, client) {
  leaseOf(job).watchOver(job, client);
  return job;
}

/** Takes a job away from whoever has it. */
function takeBack(job) {
  leaseOf(job).giveBack();
  abortJob(job);
}

/** Has the failure policy decide, if the job is in hand. Resolves with a Failure if that failed. */
function failUnfinished(job) {
  const lease = leaseOf(job);
  return lease.state === HELD ? lease.finish(FAIL, KEEP, 0) : undefined;
}

module.exports = { Job, failUnfinished, makeJob, pulled, takeBack };
