'use strict';

const check = require('./check');
const { Failure, outOfRange, valueOf, wrongType } = require('./errors');
const { EmbeddedServer } = require('./native');
const { pem } = require('./options');

const OPTIONS = ['cert', 'host', 'key', 'maxJobSize', 'path', 'port'];
const SHORTAGES = ['none', 'jobs', 'queues'];
const GIB = 2 ** 30;

const OURS = Symbol('ours');

/** They run also if nobody refers to them. */
const running = new Set();

/** Starts a server in this process. It runs until it is closed or the process ends. */
async function startServer(options) {
  const { cert, host, key, maxJobSize, path, port } = check.options(options, OPTIONS);
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'cert' : 'key';
    throw wrongType(missing, undefined, 'PEM text: a certificate and its key go together');
  }
  const settings = {};
  const set = (name, value, allowed) => {
    if (value !== undefined) {
      settings[name] = allowed(name, value);
    }
  };
  set('host', host, check.text);
  set('port', port, (name, value) => check.integer(name, value, 0, 65535));
  set('path', path, check.text);
  set('maxJobSize', maxJobSize, (name, value) => check.integer(name, value, 0, GIB));
  set('cert', cert, pem);
  set('key', key, pem);
  const started = await EmbeddedServer.start(settings);
  return new Server(OURS, valueOf(started.code === undefined ? started : Failure.from(started)));
}

/** A running embedded server, and what can go wrong with it. */
class Server {
  #native;
  #uri;
  #closing;

  constructor(ours, native) {
    if (ours !== OURS) {
      throw new TypeError('a server comes from startServer()');
    }
    this.#native = native;
    running.add(native);
    this.#uri = native.uri;
  }

  get uri() {
    return this.#uri;
  }

  drain() {
    this.#do('drain');
  }

  advance(seconds) {
    if (typeof seconds !== 'number') {
      throw wrongType('seconds', seconds, 'a number of seconds');
    }
    if (!(seconds >= 0 && seconds <= check.MAX_U32)) {
      throw outOfRange('seconds', seconds, `0 to ${check.MAX_U32} seconds`);
    }
    this.#do('advance', seconds);
  }

  freeze() {
    this.#do('freeze');
  }

  resume() {
    this.#do('resume');
  }

  refuseConnections(refuse) {
    this.#do('refuseConnections', check.flag('refuse', refuse));
  }

  cutAfterReceived(bytes) {
    this.#do('cutAfterReceived', check.integer('bytes', bytes, 0, Number.MAX_SAFE_INTEGER));
  }

  cutAfterSent(bytes) {
    this.#do('cutAfterSent', check.integer('bytes', bytes, 0, Number.MAX_SAFE_INTEGER));
  }

  delayReplies(millis) {
    this.#do('delayReplies', millis === Infinity ? millis : check.millis('millis', millis));
  }

  setShortage(shortage) {
    if (!SHORTAGES.includes(shortage)) {
      throw wrongType('shortage', shortage, '"none", "jobs" or "queues"');
    }
    this.#do('setShortage', shortage);
  }

  clearFaults() {
    this.#do('clearFaults');
  }

  async close() {
    running.delete(this.#native);
    this.#closing ??= this.#native.stop();
    await this.#closing;
  }

  #do(what, value) {
    // A server that is closed does nothing, and that is no reason to fail a test's clean-up.
    if (this.#closing === undefined) {
      this.#native.do(what, value);
    }
  }
}

if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(Server.prototype, Symbol.asyncDispose, {
    configurable: true, value: Server.prototype.close, writable: true,
  });
}

module.exports = { startServer };
