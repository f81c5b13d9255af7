'use strict';

const net = require('node:net');

// Taken at load. Sockets look for it whenever they need it: a fake one of a test would stop them.
const { nextTick } = process;

/** As the clients in other languages have it. */
const KEEP_ALIVE = 60_000;

/** What came in last; it is taken out before anything else comes in. */
const input = Buffer.allocUnsafeSlow(64 * 1024);

/** Calls into a socket. */
function calling(call) {
  const fake = process.nextTick;
  process.nextTick = nextTick;
  try {
    return call();
  } finally {
    process.nextTick = fake;
  }
}

/**
 * A socket of Node.js without what makes it a stream for reading: bytes go to the link as they come,
 * and the end of one direction is the end of the connection.
 */
class Wire extends net.Socket {
  #link;
  /** Why nothing more can be sent. */
  #broken;

  constructor(link) {
    const callback = (length) => {
      link.received(length);
      return true;
    };
    // With this mark, a write that the system does not take at once is always told as drained.
    super({ allowHalfOpen: true, onread: { buffer: input, callback }, writableHighWaterMark: 1 });
    this.#link = link;
  }

  open(options) {
    this.once('connect', () => {
      this.setNoDelay(true);
      this.setKeepAlive(true, KEEP_ALIVE);
      this.#link?.connected();
    });
    calling(() => this.connect(options));
    this.unref();
  }

  /** Says whether the system has taken all of it. */
  send(chunk) {
    if (process.nextTick === nextTick) {
      this.write(chunk);
    } else {
      calling(() => this.write(chunk));
    }
    return this.writableLength === 0;
  }

  endOutput() {
    calling(() => this.end());
  }

  /** Closes it without a word to the link. */
  drop() {
    this.#link = undefined;
    this.destroy();
  }

  // The rest is called by Node.js.

  destroy(error) {
    const link = this.#link;
    this.#link = undefined;
    calling(() => super.destroy());
    link?.ended(this.#broken ?? error);
    return this;
  }

  push() {
    // Only the end comes this way.
    this.destroy();
    return false;
  }

  _write(chunk, encoding, callback) {
    super._write(chunk, encoding, this.#unlessBroken(callback));
  }

  _final(callback) {
    super._final(this.#unlessBroken(callback));
  }

  /**
   * What is called when something was sent. An error is kept, and leaves the stream full for good: what
   * the peer had answered by then is still worth reading, for it decides whether a put is done again.
   */
  #unlessBroken(callback) {
    return (error) => {
      if (error) {
        this.#broken = error;
      } else if (process.nextTick === nextTick) {
        callback();
      } else {
        calling(callback);
      }
    };
  }
}

module.exports = { Wire, input };
