'use strict';

// Servers for the tests, and small helpers.

const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');

const { Connection, Consumer, Producer, startServer } = require('..');
const { atEnd, beanstalkd, freePort } = require('./beanstalkd');

const ROOT = path.join(__dirname, '..');

/** An embedded server that ends with the test. */
async function serve(t, options) {
  const server = await startServer(options);
  atEnd(t, () => server.close());
  return server;
}

/** The same test with the embedded server and with beanstalkd. */
function onBoth(name, body) {
  test(`${name} (embedded)`, async (t) => body(t, (await serve(t)).uri));
  test(`${name} (beanstalkd)`, async (t) => body(t, (await beanstalkd(t)).uri));
}

function closing(t, client) {
  atEnd(t, () => client.close({ force: true }));
  return client;
}

const producer = (t, ...rest) => closing(t, new Producer(...rest));
const consumer = (t, ...rest) => closing(t, new Consumer(...rest));
const connection = (t, ...rest) => closing(t, new Connection(...rest));

/**
 * A server that says what it is told to: `answer(line, body, reply)` is called with each command.
 * The first `stats` of a connection is answered by itself.
 */
async function scripted(t, answer) {
  const sockets = new Set();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    let pending = Buffer.alloc(0);
    const reply = (text) => socket.write(text);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      pending = Buffer.concat([pending, data]);
      for (;;) {
        const end = pending.indexOf('\r\n');
        if (end < 0) {
          return;
        }
        const line = pending.toString('latin1', 0, end);
        const size = line.startsWith('put ') ? Number(line.split(' ')[4]) + 2 : 0;
        if (pending.length < end + 2 + size) {
          return;
        }
        const body = pending.subarray(end + 2, end + size);
        pending = pending.subarray(end + 2 + size);
        if (line === 'stats') {
          reply(ok('---\nversion: "1.13"\nmax-job-size: 65535\ndraining: false\n'));
        } else {
          answer(line, body, reply, socket);
        }
      }
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  atEnd(t, () => {
    sockets.forEach((socket) => socket.destroy());
    listener.close();
  });
  return `127.0.0.1:${listener.address().port}`;
}

const ok = (text) => `OK ${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** Runs a script in a process of its own: what it printed, and how it ended. */
function run(script, { env, node = [], timeout = 30_000 } = {}) {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: { ...process.env, ...env }, timeout };
    execFile(process.execPath, [...node, '-e', script], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, signal: error?.signal ?? null, stderr, stdout });
    });
  });
}

/** A script in a process of its own that is talked to while it runs. */
function launch(t, script, env) {
  const child = spawn(process.execPath, ['-e', script], {
    cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal, stdout: text }));
  child.stdout.setEncoding('utf8').on('data', (data) => {
    text += data;
    child.emit('text');
  });
  const said = async (expected) => {
    while (!text.includes(expected)) {
      await Promise.race([once(child, 'text'), ended.then(() => {
        throw new Error(`it ended without saying ${expected}: ${text}`);
      })]);
    }
  };
  return { child, ended, said };
}

/**
 * Keeps the process alive until the test has ended, for to wait for an event is no reason for a
 * client; and ends a test whose event does not come.
 */
function alive(t) {
  const timer = setTimeout(() => {
    throw new Error('what the test waits for has not come within a minute');
  }, 60_000);
  atEnd(t, () => clearTimeout(timer));
}

/** A promise with its ends in hand. */
function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((...ends) => {
    [resolve, reject] = ends;
  });
  return { promise, reject, resolve };
}

/** The error that a promise rejects with. */
function rejection(promise) {
  return promise.then((value) => {
    throw new Error(`expected a rejection, got ${value}`);
  }, (error) => error);
}

/** How many listeners for `abort` a signal has. */
function abortListeners(signal) {
  return require('node:events').getEventListeners(signal, 'abort').length;
}

module.exports = {
  ROOT, abortListeners, alive, beanstalkd, connection, consumer, deferred, freePort, launch, onBoth,
  producer, rejection, run, scripted, serve,
};
