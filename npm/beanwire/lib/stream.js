'use strict';

const { Failure, errorOf } = require('./errors');
const { pulled, takeBack } = require('./job');
const memory = require('./memory');
const reactor = require('./reactor');
const { listen, unlisten } = require('./signals');

const DONE = Object.freeze({ done: true, value: undefined });

/** Streams that nobody has any more let go of what was reserved ahead. */
const forgotten = new FinalizationRegistry(pause);

/** Jobs for those who pull them: one is reserved when asked for. */
class JobStream {
  /** Held so that a consumer that is iterated is not collected. */
  #consumer;
  #core;
  #signal;
  #isStarted = false;
  #op = -1;
  #tell = null;
  #isOver = false;
  /** The last call of `next`; the next one waits for it. */
  #last = undefined;
  #stop;

  constructor(consumer, core, signal) {
    this.#consumer = consumer;
    this.#core = core;
    this.#signal = signal;
    const self = new WeakRef(this);
    this.#stop = () => self.deref()?.#end();
    if (signal?.aborted) {
      this.#isOver = true;
    } else {
      listen(signal, this.#stop);
    }
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async next() {
    const before = this.#last;
    const pull = this.#pullAfter(before);
    this.#last = pull;
    const result = await pull;
    if (this.#last === pull) {
      this.#last = undefined;
    }
    if (result instanceof Failure) {
      throw errorOf(result);
    }
    return result;
  }

  /** Reserves nothing more, and gives back what was reserved ahead. */
  async return() {
    this.#end();
    return DONE;
  }

  /** Resolves with what `next` gives, or a Failure. */
  async #pullAfter(before) {
    await before;
    if (this.#isOver) {
      return DONE;
    }
    const result = await this.#pull();
    if (result === reactor.ENDED || result instanceof Failure) {
      this.#end();
      return result instanceof Failure && result.code !== 'CLOSED' ? result : DONE;
    }
    if (this.#isOver) {
      takeBack(result);
      return DONE;
    }
    return { done: false, value: pulled(result, this.#consumer) };
  }

  async #pull() {
    const core = this.#core;
    if (!this.#isStarted) {
      const failure = (await core.whenOpen(this.#signal)) ?? core.failure;
      if (this.#isOver) {
        return reactor.ENDED;
      }
      if (failure !== undefined) {
        return failure;
      }
      this.#isStarted = true;
      forgotten.register(this, core, this);
    }
    const promise = new Promise(reactor.capture);
    this.#tell = reactor.resolveOf();
    this.#op = core.add(this);
    memory.receive(core, this.#op);
    return promise;
  }

  /** The end of waiting for a job; called while records are read. */
  complete(result) {
    this.#tellOnce(result);
  }

  /** What is told is forgotten here: a job is to be noticed when its holder forgets it. */
  #tellOnce(result) {
    const tell = this.#tell;
    this.#tell = null;
    tell(result);
  }

  #end() {
    this.#isOver = true;
    unlisten(this.#signal, this.#stop);
    if (this.#core.cancel(this.#op, this)) {
      this.#tellOnce(reactor.ENDED);
    }
    if (this.#isStarted) {
      forgotten.unregister(this);
      this.#isStarted = false;
      pause(this.#core);
    }
    this.#consumer = undefined;
  }
}

/** Lets go of what was reserved ahead. */
function pause(core) {
  core.native.pause();
  core.schedule();
}

module.exports = { JobStream };
