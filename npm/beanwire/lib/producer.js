'use strict';

const check = require('./check');
const { Client, coreOf } = require('./client');
const { outOfRange, valueOf } = require('./errors');
const { put, putMany } = require('./put');
const reactor = require('./reactor');
const { Role } = require('./role');

const PATIENCE = 5000;

/** Puts jobs through a pool of connections to one or many servers. */
class Producer extends Client {
  constructor(uris, options) {
    super(Role.PRODUCER, uris, [], options, PATIENCE);
  }

  async put(tube, body, options) {
    return valueOf(await put(coreOf(this), tube, body, options));
  }

  async putMany(jobs, options) {
    // Not returned as it is: a producer that is being used must not be collected.
    const results = await putMany(coreOf(this), jobs, options);
    return results;
  }

  async delete(ref, options) {
    const { id, server } = check.object('ref', ref);
    const key = check.jobId('ref.id', id);
    check.text('ref.server', server);
    const { signal, timeout } = check.limits(options);
    const core = coreOf(this);
    return valueOf(await core.onceOpen(signal, timeout, (left) => {
      const place = core.servers.indexOf(server);
      if (place < 0) {
        throw outOfRange('ref.server', server, "one of this producer's servers");
      }
      return reactor.outcome(core, (op) => core.native.deleteJob(op, place, key), signal, left);
    }));
  }
}

module.exports = { Producer };
