'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');

const { Consumer, Producer } = require('..');
const { consumer, deferred, producer, rejection, serve } = require('./support');

/** Notes what it is told. */
function notebook() {
  const lines = [];
  const note = (level) => (message, fields) => lines.push({ fields, level, message });
  return { error: note('error'), info: note('info'), lines };
}

test('what happens is told, as a text and in fields', async (t) => {
  const server = await serve(t);
  const logger = notebook();
  const mail = producer(t, server.uri, { logger, reconnectMax: 5, reconnectMin: 1 });
  await mail.put('mail', 'x');
  server.cutAfterSent(0);
  await mail.put('mail', 'y');
  server.drain();
  await rejection(mail.put('mail', 'z'));
  await mail.close();
  const { uri } = server;
  const shown = logger.lines.map(({ level, message }) => `${level}: ${message}`);
  for (const expected of [
    `info: connected to ${uri}`,
    `error: disconnected from ${uri}: `,
    `error: a put is done again after ${uri}: `,
    `error: ${uri} refuses new jobs`,
  ]) {
    assert.ok(shown.some((line) => line.startsWith(expected)), `${expected} in ${shown.join('\n')}`);
  }
  for (const { fields } of logger.lines) {
    assert.equal(fields.server, uri);
    // Whatever a log is written as, it must be able to write it.
    JSON.stringify(fields);
  }
});

test('handlers that fail are told with their error, and what became of the job', async (t) => {
  const { uri } = await serve(t);
  const logger = notebook();
  await producer(t, uri).put('mail', 'x');
  const stop = new AbortController();
  const work = new Consumer(uri, 'mail', { failure: { delay: 9 }, logger });
  const reason = new Error('no ink');
  await work.receive(() => {
    stop.abort();
    throw reason;
  }, { signal: stop.signal });
  await work.close();
  const failed = logger.lines.find(({ message }) => message === 'the handler of job 1 failed: no ink');
  assert.equal(failed.level, 'error');
  assert.deepEqual(failed.fields, { during: 'handler', error: reason, id: '1', server: uri });
  assert.ok(logger.lines.some(({ level, message }) => (
    level === 'info' && message === `job 1 of ${uri} failed and is released for 9 s`)));
  assert.ok(logger.lines.some(({ message }) => message.startsWith('drain: ')));
});

test('handlers that are stopped by force, and lost jobs, are told', async (t) => {
  const server = await serve(t);
  const logger = notebook();
  await producer(t, server.uri).put('mail', 'x');
  const started = deferred();
  const work = new Consumer(server.uri, 'mail', { concurrency: 1, logger });
  const receiving = work.receive((job) => {
    started.resolve(job);
    return new Promise(() => {});
  });
  const job = await started.promise;
  const lost = once(work, 'lost');
  server.cutAfterReceived(0);
  await rejection(job.touch());
  await lost;
  await work.close({ force: true });
  await receiving;
  const shown = logger.lines.map(({ message }) => message).join('\n');
  assert.match(shown, /^job 1 of .* is lost: disconnected$/m);
  assert.match(shown, /^the handler of job 1 was stopped by force$/m);
});

test('a logger that throws stops nothing', async (t) => {
  const { uri } = await serve(t);
  const broken = () => {
    throw new Error('no disk');
  };
  const logger = { error: broken, info: broken };
  await producer(t, uri, { logger }).put('mail', 'x');
  const work = consumer(t, uri, 'mail', { logger });
  for await (const job of work) {
    await job.delete();
    break;
  }
  new Producer('x:y:z', { logger });
});

test('its functions are called as its own', async (t) => {
  const { uri } = await serve(t);
  class Log {
    lines = [];

    info(message) {
      this.lines.push(message);
    }

    error(message) {
      this.lines.push(message);
    }
  }
  const logger = new Log();
  const mail = producer(t, uri, { logger });
  await mail.ready();
  await mail.close();
  assert.deepEqual(logger.lines, [`connected to ${uri}`]);
});
