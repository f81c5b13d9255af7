'use strict';

const check = require('./check');
const { Client, coreOf } = require('./client');
const { valueOf } = require('./errors');
const { Job, pulled } = require('./job');
const { put } = require('./put');
const reactor = require('./reactor');
const { Role } = require('./role');

const PATIENCE = 5000;

/** The longest that the server waits in `reserve-with-timeout`, in seconds. */
const MAX_RESERVE = 2 ** 31 - 1;

const NO_TUBE = '';
const NO_ID = 0n;

/** One connection to one server, and every command of the protocol. */
class Connection extends Client {
  constructor(uri, options) {
    super(Role.CONNECTION, check.text('uri', uri), [], options, PATIENCE);
  }

  async put(tube, body, options) {
    return valueOf(await put(coreOf(this), tube, body, options));
  }

  async useTube(tube, options) {
    return valueOf(await this.#ofTube('useTube', tube, options));
  }

  async watch(tube, options) {
    return valueOf(await this.#ofTube('watch', tube, options));
  }

  async ignore(tube, options) {
    return valueOf(await this.#ofTube('ignore', tube, options));
  }

  async reserve(options) {
    return jobOf(this, await this.#plain('reserve', options));
  }

  async reserveWithTimeout(seconds, options) {
    const most = check.seconds('seconds', seconds, 0, MAX_RESERVE);
    return jobOf(this, await this.#run('reserveWithTimeout', NO_TUBE, NO_ID, most, 0, check.limits(options)));
  }

  async reserveJob(id, options) {
    return jobOf(this, await this.#ofJob('reserveJob', id, options));
  }

  async delete(id, options) {
    return valueOf(await this.#ofJob('delete', id, options));
  }

  async release(id, options) {
    const limits = check.limits(options, ['priority', 'delay', 'signal', 'timeout']);
    const priority = check.priority('priority', options?.priority ?? check.DEFAULT_PRIORITY);
    const delay = check.seconds('delay', options?.delay ?? 0);
    const key = check.jobId('id', id);
    return valueOf(await this.#run('release', NO_TUBE, key, priority, delay, limits));
  }

  async bury(id, options) {
    const limits = check.limits(options, ['priority', 'signal', 'timeout']);
    const priority = check.priority('priority', options?.priority ?? check.DEFAULT_PRIORITY);
    const key = check.jobId('id', id);
    return valueOf(await this.#run('bury', NO_TUBE, key, priority, 0, limits));
  }

  async touch(id, options) {
    return valueOf(await this.#ofJob('touch', id, options));
  }

  async peek(id, options) {
    return valueOf(await this.#ofJob('peek', id, options));
  }

  async peekReady(tube, options) {
    return valueOf(await this.#ofTube('peekReady', tube, options));
  }

  async peekDelayed(tube, options) {
    return valueOf(await this.#ofTube('peekDelayed', tube, options));
  }

  async peekBuried(tube, options) {
    return valueOf(await this.#ofTube('peekBuried', tube, options));
  }

  async kick(tube, bound, options) {
    const most = check.integer('bound', bound, 0, check.MAX_U32);
    return valueOf(await this.#ofTube('kick', tube, options, most));
  }

  async kickJob(id, options) {
    return valueOf(await this.#ofJob('kickJob', id, options));
  }

  async stats(options) {
    return valueOf(await this.#plain('stats', options));
  }

  async statsTube(tube, options) {
    return valueOf(await this.#ofTube('statsTube', tube, options));
  }

  async statsJob(id, options) {
    return valueOf(await this.#ofJob('statsJob', id, options));
  }

  async listTubes(options) {
    return valueOf(await this.#plain('listTubes', options));
  }

  async listTubeUsed(options) {
    return valueOf(await this.#plain('listTubeUsed', options));
  }

  async listTubesWatched(options) {
    return valueOf(await this.#plain('listTubesWatched', options));
  }

  async pauseTube(tube, delay, options) {
    const seconds = check.seconds('delay', delay);
    return valueOf(await this.#ofTube('pauseTube', tube, options, seconds));
  }

  #plain(name, options) {
    return this.#run(name, NO_TUBE, NO_ID, 0, 0, check.limits(options));
  }

  #ofTube(name, tube, options, number = 0) {
    return this.#run(name, check.text('tube', tube), NO_ID, number, 0, check.limits(options));
  }

  #ofJob(name, id, options) {
    return this.#run(name, NO_TUBE, check.jobId('id', id), 0, 0, check.limits(options));
  }

  /** Resolves with the value of a command, or a Failure. */
  #run(name, tube, id, first, second, limits) {
    const core = coreOf(this);
    const { signal, timeout } = limits;
    const start = (op) => core.native.command(op, name, tube, id, first, second);
    const run = (left) => reactor.outcome(core, start, signal, left);
    return core.isOpen ? run(timeout) : core.onceOpen(signal, timeout, run);
  }
}

/** A reserved job, or null if there was none in time. */
function jobOf(connection, result) {
  const value = valueOf(result);
  return value instanceof Job ? pulled(value, connection) : value;
}

module.exports = { Connection };
