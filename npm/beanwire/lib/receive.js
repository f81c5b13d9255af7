'use strict';

// Running handlers on jobs, and stopping them.

const { clearTimeout, setTimeout } = require('node:timers');

const { unwrap } = require('./codec');
const { Failure, errorOf, valueOf } = require('./errors');
const { tellError } = require('./events');
const { failUnfinished, takeBack } = require('./job');
const memory = require('./memory');
const reactor = require('./reactor');
const { listen, unlisten } = require('./signals');
const { spansOf } = require('./tracing');

/** Runs `handler` on jobs until `signal` aborts or the consumer is closed. */
async function receive(consumer, core, handler, { drainTimeout, force, signal }) {
  const stopped = () => signal?.aborted || force?.aborted;
  if (!stopped()) {
    const failure = (await core.whenOpen(signal)) ?? core.failure;
    if (!stopped()) {
      valueOf(failure);
    }
  }
  const crew = new Crew(consumer, core, handler);
  if (stopped()) {
    return crew.report;
  }
  const stop = () => crew.stop(drainTimeout);
  const abandon = () => crew.abandon();
  core.crews.add(crew);
  reactor.hold();
  listen(signal, stop);
  listen(force, abandon);
  try {
    await crew.run();
  } finally {
    unlisten(signal, stop);
    unlisten(force, abandon);
    core.crews.delete(crew);
    reactor.release();
  }
  return crew.report;
}

/** Workers with one handler. */
class Crew {
  isStopping = false;
  isAbandoned = false;
  report = { handled: 0, failed: 0, abandoned: 0 };

  #workers;
  #timer;
  #end;

  constructor(consumer, core, handler) {
    this.consumer = consumer;
    this.core = core;
    this.handler = handler;
  }

  /** Resolves when all workers have ended, or were stopped by force. */
  async run() {
    const { concurrency } = this.core.settings;
    this.#workers = Array.from({ length: concurrency }, () => new Worker(this));
    const forced = new Promise((resolve) => {
      this.#end = resolve;
    });
    await Promise.race([forced, Promise.all(this.#workers.map((worker) => worker.run()))]);
    clearTimeout(this.#timer);
  }

  /** No new jobs; handlers may run on for `patience` ms. */
  stop(patience) {
    if (this.isStopping) {
      return;
    }
    this.isStopping = true;
    this.core.settings.logger.info('drain: no new jobs, handlers may finish', {});
    this.#workers.forEach((worker) => worker.stop());
    if (patience !== Infinity) {
      this.#timer = setTimeout(() => this.abandon(), patience);
    }
  }

  /** Stops handlers by force: their jobs are given back, and nobody waits for them. */
  abandon() {
    if (this.isAbandoned) {
      return;
    }
    this.isAbandoned = true;
    this.stop(Infinity);
    this.#workers.forEach((worker) => worker.abandon());
    this.#end();
  }

  /** Says that something went wrong where no caller waits. */
  tell(message, error, details) {
    const { consumer, core: { settings } } = this;
    if (!tellError(consumer, settings.logger, message, error, details)) {
      warnOnce(message, error);
    }
  }
}

/** Has one job at a time. */
class Worker {
  #crew;
  #op = -1;
  #tell = null;
  /** The job whose handler runs. */
  #job = null;

  constructor(crew) {
    this.#crew = crew;
  }

  async run() {
    const crew = this.#crew;
    while (!crew.isStopping) {
      const job = await this.#next();
      if (job === reactor.ENDED) {
        break;
      }
      if (job instanceof Failure) {
        const error = errorOf(job);
        crew.tell(`receive: ${error.message}`, error, { during: 'receive' });
        break;
      }
      if (crew.isStopping) {
        takeBack(job);
        break;
      }
      let failure;
      this.#job = job;
      try {
        await work(crew, job);
      } catch (error) {
        failure = { error };
      }
      this.#job = null;
      const ending = crew.isAbandoned ? undefined : this.#handled(job, failure);
      if (ending !== undefined) {
        await ending;
      }
    }
    crew.core.native.pause();
    crew.core.schedule();
  }

  /** The end of waiting for a job; called while records are read. */
  complete(result) {
    this.#tell(result);
  }

  stop() {
    if (this.#crew.core.cancel(this.#op, this)) {
      this.#tell(reactor.ENDED);
    }
  }

  abandon() {
    if (this.#job !== null) {
      const { id, server } = this.#job;
      this.#crew.report.abandoned += 1;
      this.#crew.core.settings.logger.error(
        `the handler of job ${id} was stopped by force`, { id: String(id), server },
      );
      takeBack(this.#job);
    }
  }

  #next() {
    const { core } = this.#crew;
    const promise = new Promise(reactor.capture);
    this.#tell = reactor.resolveOf();
    this.#op = core.add(this);
    memory.receive(core, this.#op);
    return promise;
  }

  /** Notes how a handler has ended. Gives a promise if the job is still to be failed. */
  #handled(job, failure) {
    const crew = this.#crew;
    crew.report.handled += 1;
    if (failure !== undefined) {
      const { error } = failure;
      crew.report.failed += 1;
      const text = error instanceof Error ? error.message : String(error);
      crew.tell(`the handler of job ${job.id} failed: ${text}`, error, {
        during: 'handler', id: job.id, server: job.server,
      });
    }
    return failUnfinished(job)?.then((result) => this.#failed(job, result));
  }

  #failed(job, result) {
    if (result instanceof Failure && !GONE.has(result.code)) {
      const error = errorOf(result);
      this.#crew.tell(`failed job ${job.id}: ${error.message}`, error, {
        during: 'fail', id: job.id, server: job.server,
      });
    }
  }
}

/** Whatever keeps a failed job from being released because it went back by itself. */
const GONE = new Set(['CLOSED', 'DISCONNECTED', 'JOB_LOST', 'NOT_FOUND']);

/** Runs the handler, in a span if there is anybody to take it. */
function work({ core: { settings }, handler }, job) {
  const tracing = spansOf(settings);
  return tracing === null ? handler(job)
    : tracing.process(job, settings.propagate ? headersOf(settings, job) : undefined, handler);
}

/** The trace that came with a job; a body that cannot be decoded brings none. */
function headersOf({ codec }, job) {
  try {
    return unwrap(codec.decode(job.body)).headers;
  } catch {
    return undefined;
  }
}

let isWarned = false;

/** A handler that throws is a mistake that somebody should see. */
function warnOnce(message, error) {
  if (!isWarned) {
    isWarned = true;
    process.emitWarning(
      `${message}. Pass a logger or listen to 'error' to be told of all that follow.`,
      { detail: error instanceof Error ? error.stack : undefined, type: 'BeanwireWarning' },
    );
  }
}

module.exports = { receive };
