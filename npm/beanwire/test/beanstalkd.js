'use strict';

// A real beanstalkd for a test, and the end of what a test has started.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');

/** What is to be done when a test has ended, the last first: clients end before their servers. */
const cleanUps = new WeakMap();

function atEnd(t, cleanUp) {
  if (!cleanUps.has(t)) {
    const list = [];
    cleanUps.set(t, list);
    t.after(async () => {
      for (const next of list.reverse()) {
        await next();
      }
    });
  }
  cleanUps.get(t).push(cleanUp);
}

/** A port that was free a moment ago. */
async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

/** A real beanstalkd that ends with the test: `uri`, `kill()` and `start()`. */
async function beanstalkd(t, ...args) {
  const port = await freePort();
  const server = { start, kill, uri: `beanstalk://127.0.0.1:${port}` };
  let child;

  async function start() {
    child = spawn('beanstalkd', ['-l', '127.0.0.1', '-p', String(port), ...args], { stdio: 'ignore' });
    const failed = once(child, 'error').then(([error]) => {
      throw new Error('beanstalkd cannot be started: apt-get install beanstalkd', { cause: error });
    });
    await Promise.race([failed, listening(port)]);
    failed.catch(() => {});
  }

  async function kill() {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  await start();
  atEnd(t, kill);
  return server;
}

/** Resolves once somebody listens there. */
async function listening(port) {
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    } finally {
      socket.destroy();
    }
  }
}

module.exports = { atEnd, beanstalkd, freePort, listening };
