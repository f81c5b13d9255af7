'use strict';

const { EventEmitter } = require('node:events');
const { inspect } = require('node:util');

const check = require('./check');
const { Core } = require('./core');
const { outOfRange, valueOf } = require('./errors');
const reactor = require('./reactor');
const { settingsOf } = require('./options');

const READY_TIMEOUT = 10_000;

/** Clients that nobody has any more are closed. */
const forgotten = new FinalizationRegistry((core) => core.drop());

let innerOf;

/** What producers, consumers and connections have in common. */
class Client extends EventEmitter {
  #core;
  #patience;

  static {
    innerOf = (client) => client.#core;
  }

  constructor(role, uris, tubes, options, patience) {
    const servers = check.list('uris', uris, check.text);
    if (servers.length === 0) {
      throw outOfRange('uris', '[]', 'at least one URI');
    }
    const settings = settingsOf(options);
    super();
    this.#core = new Core(role, servers, tubes, settings, new WeakRef(this));
    this.#patience = patience;
    forgotten.register(this, this.#core);
  }

  get isConnected() {
    return this.#core.isConnected;
  }

  health() {
    return this.#core.health;
  }

  async ready(options) {
    const { signal, timeout = READY_TIMEOUT } = check.limits(options);
    const core = this.#core;
    return valueOf(await core.onceOpen(signal, timeout, (left) => (
      reactor.outcome(core, (op) => core.native.ready(op, left), signal)
    )));
  }

  async close(options) {
    const given = check.options(options, ['timeout', 'force']);
    const force = given.force !== undefined && check.flag('force', given.force);
    const timeout = check.timeout('timeout', given.timeout) ?? this.#patience;
    return valueOf(await this.#core.close(force ? 0 : timeout));
  }

  [inspect.custom]() {
    const { failure, isConnected, servers } = this.#core;
    const state = failure === undefined ? (isConnected ? 'connected' : 'connecting') : failure.code;
    return `${this.constructor.name} { ${[...servers, state].join(', ')} }`;
  }
}

// Node.js 20 has it, and not all that come before.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(Client.prototype, Symbol.asyncDispose, {
    configurable: true,
    async value() {
      await this.close();
    },
    writable: true,
  });
}

/** The inner side of a client; throws if `client` is none. */
function coreOf(client) {
  return innerOf(client);
}

module.exports = { Client, coreOf };
