'use strict';

const dns = require('node:dns');
const { clearTimeout, setImmediate, setTimeout } = require('node:timers');

const { Wire } = require('./wire');

const { performance } = globalThis;

/** A connection of a client, from the name lookup to the end of the socket. */
class Link {
  #core;
  #key;
  #wire;
  #end;
  /** Addresses that are still to be tried. */
  #addresses = [];
  #timer;
  #isConnected = false;
  #isOver = false;

  constructor(core, key, timeout) {
    this.#core = core;
    this.#key = key;
    this.#end = performance.now() + timeout;
  }

  dial({ host, isName, path, port }) {
    if (path !== undefined) {
      this.#connect({ path });
    } else if (isName) {
      dns.lookup(host, { all: true }, (error, addresses) => {
        if (!this.#isOver) {
          this.#addresses = (addresses ?? []).map(({ address }) => ({ host: address, port }));
          this.#next(error ?? new Error('the name has no address'));
        }
      });
    } else {
      this.#connect({ host, port });
    }
  }

  /** Tries the next address; each gets its share of what is left of the time. */
  #next(error) {
    const left = this.#addresses.length;
    if (left === 0) {
      this.#fail(error);
      return;
    }
    const share = Math.max(0, this.#end - performance.now()) / left;
    this.#connect(this.#addresses.shift());
    if (left > 1) {
      // What has happened meanwhile is looked at first: the thread may have been busy for long.
      this.#timer = setTimeout(setImmediate, share, giveUp, this, this.#wire);
      this.#timer.unref();
    }
  }

  #connect(options) {
    this.#wire = new Wire(this);
    this.#wire.open(options);
  }

  /** The share of an address is over. */
  giveUp(wire) {
    if (this.#wire === wire && !this.#isConnected && !this.#isOver) {
      wire.destroy(new Error('deadline has elapsed'));
    }
  }

  /** Called by the wire. */
  connected() {
    clearTimeout(this.#timer);
    this.#isConnected = true;
    this.#core.native.connected(this.#key);
    this.#core.turn();
  }

  /** Called by the wire: that many bytes came in. */
  received(length) {
    this.#core.receive(this.#key, length);
  }

  /** Called by the wire, which has ended by itself; with an error unless the peer wanted it. */
  ended(error) {
    clearTimeout(this.#timer);
    if (this.#isConnected) {
      this.#fail(error);
    } else {
      this.#next(error);
    }
  }

  #fail(error) {
    this.#isOver = true;
    this.#core.linkEnded(this.#key, error);
  }

  /** Sends a chunk. Says whether it may be used anew. */
  send(chunk, isLast) {
    const wire = this.#wire;
    const isTaken = chunk.length === 0 || wire.send(chunk);
    if (isLast) {
      wire.endOutput();
    }
    if (!isTaken) {
      this.#core.native.blocked(this.#key);
      wire.once('drain', () => this.#drained());
    }
    return isTaken;
  }

  #drained() {
    if (!this.#isOver) {
      this.#core.native.drained(this.#key);
      this.#core.turn();
    }
  }

  /** Ends it as the engine wants. */
  close() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#wire?.drop();
  }
}

function giveUp(link, wire) {
  link.giveUp(wire);
}

module.exports = { Link };
