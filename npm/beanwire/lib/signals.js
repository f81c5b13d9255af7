'use strict';

// One listener per AbortSignal, however many calls go by it: Node.js warns of a leak beyond ten.

const watched = new WeakMap();

/** Calls `onAbort` when `signal`, if there is one, aborts, until `unlisten`. */
function listen(signal, onAbort) {
  if (signal === undefined) {
    return;
  }
  let watch = watched.get(signal);
  if (watch === undefined) {
    const calls = new Set();
    watch = { calls, tell: () => calls.forEach((call) => call()) };
    watched.set(signal, watch);
    signal.addEventListener('abort', watch.tell, { once: true });
  }
  watch.calls.add(onAbort);
}

function unlisten(signal, onAbort) {
  const watch = signal === undefined ? undefined : watched.get(signal);
  if (watch?.calls.delete(onAbort) && watch.calls.size === 0) {
    signal.removeEventListener('abort', watch.tell);
    watched.delete(signal);
  }
}

module.exports = { listen, unlisten };
