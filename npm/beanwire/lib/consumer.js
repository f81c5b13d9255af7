'use strict';

const check = require('./check');
const { Client, coreOf } = require('./client');
const { JobStream } = require('./stream');
const { receive } = require('./receive');
const { Role } = require('./role');

/** What most supervisors grant. */
const DRAIN_TIMEOUT = 30_000;

const RECEIVE_OPTIONS = ['signal', 'drainTimeout', 'force'];

/** Reserves jobs through a pool of connections to one or many servers. */
class Consumer extends Client {
  constructor(uris, tubes, options) {
    super(Role.CONSUMER, uris, check.list('tubes', tubes ?? [], check.tube), options, DRAIN_TIMEOUT);
  }

  async receive(handler, options) {
    check.func('handler', handler);
    const given = check.options(options, RECEIVE_OPTIONS);
    return receive(this, coreOf(this), handler, {
      drainTimeout: check.timeout('drainTimeout', given.drainTimeout) ?? DRAIN_TIMEOUT,
      force: check.signal('force', given.force),
      signal: check.signal('signal', given.signal),
    });
  }

  jobs(options) {
    const { signal } = check.options(options, ['signal']);
    return new JobStream(this, coreOf(this), check.signal('signal', signal));
  }

  [Symbol.asyncIterator]() {
    return this.jobs();
  }
}

module.exports = { Consumer };
