'use strict';

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { connection, consumer, producer, rejection, run, serve } = require('./support');

/** What is used of @opentelemetry/api, in small, with the spans that were made. */
function telemetry() {
  const current = new AsyncLocalStorage();
  const spans = [];
  const ROOT = Object.freeze({});
  const active = () => current.getStore() ?? ROOT;

  class Span {
    attributes = {};
    ended = 0;

    constructor(name, { attributes, kind }, context) {
      Object.assign(this, { id: spans.length + 1, kind, name, parent: context.span });
      this.trace = context.span?.trace ?? this.id;
      this.setAttributes(attributes);
      spans.push(this);
    }

    setAttribute(name, value) {
      assert.equal(this.ended, 0);
      this.attributes[name] = value;
    }

    setAttributes(attributes) {
      Object.assign(this.attributes, attributes);
    }

    setStatus(status) {
      this.status = status;
    }

    isRecording() {
      return this.ended === 0;
    }

    spanContext() {
      return { traceId: String(this.trace) };
    }

    end() {
      this.ended += 1;
    }
  }

  const api = {
    context: { active, with: (context, work) => current.run(context, work) },
    propagation: {
      extract: (context, { traceparent }) => {
        const [trace, id] = traceparent?.split('-').map(Number) ?? [];
        return id === undefined ? context : { span: { id, trace } };
      },
      inject(context, headers) {
        headers.traceparent = `${context.span.trace}-${context.span.id}`;
      },
    },
    trace: {
      getTracer: (name, version) => ({
        name,
        startSpan: (...args) => new Span(...args),
        version,
      }),
      setSpan: (context, span) => ({ ...context, span }),
    },
  };
  return { active, api, spans };
}

function address(uri) {
  return { 'server.address': '127.0.0.1', 'server.port': Number(uri.split(':').pop()) };
}

test('a put, a handler and a delete have spans with the names of messaging systems', async (t) => {
  const { uri } = await serve(t);
  const { active, api, spans } = telemetry();
  const { id } = await producer(t, uri, { tracing: api }).put('mail', 'hello');
  const stop = new AbortController();
  let within;
  await consumer(t, uri, 'mail', { tracing: api }).receive(async (job) => {
    await job.delete();
    within = active().span;
    stop.abort();
  }, { signal: stop.signal });

  const [put, process, settle] = spans;
  const job = { 'messaging.message.id': String(id), ...address(uri) };
  assert.deepEqual([put.name, put.kind, put.attributes], ['put', 3, {
    'messaging.destination.name': 'mail',
    'messaging.message.body.size': 5,
    'messaging.operation.name': 'put',
    'messaging.operation.type': 'send',
    'messaging.system': 'beanstalkd',
    ...job,
  }]);
  assert.deepEqual([process.name, process.kind, process.attributes], ['process', 4, {
    'messaging.message.body.size': 5,
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.system': 'beanstalkd',
    ...job,
  }]);
  assert.deepEqual([settle.name, settle.kind, settle.attributes], ['delete', 2, {
    'messaging.operation.name': 'delete',
    'messaging.operation.type': 'settle',
    'messaging.system': 'beanstalkd',
    ...job,
  }]);
  assert.equal(within, process);
  assert.equal(settle.parent, process);
  assert.deepEqual(spans.map(({ ended }) => ended), [1, 1, 1]);
  assert.deepEqual(spans.map(({ status }) => status), [undefined, undefined, undefined]);
});

test('the names are those of the Rust crate', () => {
  const file = path.join(__dirname, '../../../crates/client/src/telemetry.rs');
  const rust = new Set(fs.readFileSync(file, 'utf8').match(/(messaging|server|error)\.[a-z_.]*[a-z]/g));
  const source = fs.readFileSync(path.join(__dirname, '../lib/tracing.js'), 'utf8');
  const names = source.match(/'(messaging|server|error)\.[a-z_.]+'/g).map((name) => name.slice(1, -1));
  for (const name of names) {
    assert.ok(rust.has(name), name);
  }
});

test('what fails ends its span with the code', async (t) => {
  const { uri } = await serve(t);
  const { api, spans } = telemetry();
  const mail = producer(t, uri, { codec: 'json', tracing: api });
  await rejection(mail.put('no name', 'x'));
  await rejection(mail.put('mail', undefined));
  await mail.putMany([{ body: 1, tube: 'mail' }, { body: 2, tube: 'no name' }]);
  const direct = connection(t, uri, { tracing: api });
  await direct.watch('mail');
  const job = await direct.reserve();
  await direct.delete(job.id);
  await rejection(job.delete());
  const shown = spans.map(({ attributes, name, status }) => [name, attributes['error.type'], status?.code]);
  assert.deepEqual(shown, [
    ['put', 'INVALID_ARGUMENT', 2], ['put', 'INVALID_ARGUMENT', 2], ['put_many', 'INVALID_ARGUMENT', 2],
    ['delete', 'JOB_FINISHED', 2],
  ]);
  assert.equal(spans[2].attributes['messaging.batch.message_count'], 2);
  assert.deepEqual(spans.map(({ ended }) => ended), [1, 1, 1, 1]);
});

test('a handler that throws ends its span with an error', async (t) => {
  const { uri } = await serve(t);
  const { api, spans } = telemetry();
  await producer(t, uri).put('mail', 'x');
  const stop = new AbortController();
  const work = consumer(t, uri, 'mail', { tracing: api });
  work.on('error', () => {});
  const report = await work.receive(() => {
    stop.abort();
    throw new Error('no ink');
  }, { signal: stop.signal });
  assert.equal(report.failed, 1);
  assert.equal(spans[0].attributes['error.type'], 'handler');
  assert.deepEqual(spans[0].status, { code: 2, message: 'no ink' });
});

test('the trace goes along if it is asked for, in the envelope that is documented', async (t) => {
  const { uri } = await serve(t);
  const { api, spans } = telemetry();
  const options = { codec: 'json', propagate: true, tracing: api };
  const mail = producer(t, uri, options);
  const { id } = await mail.put('mail', { to: 'Bo' });
  await mail.putMany([{ body: [1], tube: 'mail' }]);
  const found = JSON.parse((await connection(t, uri).peek(id)).body);
  assert.deepEqual(found, { beanwire: 1, data: { to: 'Bo' }, headers: { traceparent: '1-1' } });

  // A producer that knows nothing of it is understood, too.
  await producer(t, uri, { codec: 'json' }).put('mail', 'plain');
  await producer(t, uri).put('mail', 'not json');
  const stop = new AbortController();
  const seen = [];
  const work = consumer(t, uri, 'mail', { concurrency: 1, ...options });
  work.on('error', (error) => seen.push(error.name));
  await work.receive(async (job) => {
    if (seen.length === 3) {
      stop.abort();
    }
    seen.push(job.data);
    await job.delete();
  }, { signal: stop.signal });
  assert.deepEqual(seen, [{ to: 'Bo' }, [1], 'plain', 'SyntaxError']);
  const handled = spans.filter(({ name }) => name === 'process');
  assert.deepEqual(handled.map(({ trace }) => trace), [1, 2, handled[2].id, handled[3].id]);
});

test('without tracing the envelope has no headers', async (t) => {
  const { uri } = await serve(t);
  const options = { codec: 'json', propagate: true, tracing: false };
  const mail = producer(t, uri, options);
  const { id } = await mail.put('mail', 5);
  const direct = connection(t, uri);
  assert.deepEqual(JSON.parse((await direct.peek(id)).body), { beanwire: 1, data: 5, headers: {} });
  const { value: job } = await consumer(t, uri, 'mail', options).jobs().next();
  assert.equal(job.data, 5);
  await job.delete();
});

test('without propagate a value that looks like an envelope is a value', async (t) => {
  const { uri } = await serve(t);
  const value = { beanwire: 1, data: 1, headers: {} };
  await producer(t, uri, { codec: 'json' }).put('mail', value);
  const { value: job } = await consumer(t, uri, 'mail', { codec: 'json' }).jobs().next();
  assert.deepEqual(job.data, value);
  await job.delete();
});

test('@opentelemetry/api is used where it is installed, and not asked for where it is not', async (t) => {
  const { uri } = await serve(t);
  const fake = `
    const span = {
      end: () => console.log('end'), isRecording: () => true, setAttribute() {}, setAttributes() {},
    };
    module.exports = {
      context: { active() {} },
      propagation: {},
      trace: { getTracer: (name) => ({ startSpan: (it) => console.log(name, it) ?? span }) },
    };
  `;
  /** Whatever is installed around here, the script finds this. */
  const script = (options, found) => `
    const Module = require('node:module');
    const load = Module._load;
    Module._load = (name, ...rest) => {
      if (name !== '@opentelemetry/api') return load(name, ...rest);
      ${found}
      return module.exports;
    };
    const { Producer } = require('.');
    new Producer(process.env.URI, ${options}).put('mail', 'x').catch((error) => console.log(error.message));
  `;
  const nothing = "throw new Error('not found');";
  const env = { URI: uri };
  assert.equal((await run(script('{}', fake), { env })).stdout, 'beanwire put\nend\n');
  assert.equal((await run(script('{ tracing: true }', fake), { env })).stdout, 'beanwire put\nend\n');
  assert.equal((await run(script('{ tracing: false }', fake), { env })).stdout, '');
  assert.equal((await run(script('{}', nothing), { env })).stdout, '');
  const { stderr } = await run(script('{ tracing: true }', nothing), { env });
  assert.match(stderr, /TypeError: tracing: .*@opentelemetry\/api is not installed/);
});
