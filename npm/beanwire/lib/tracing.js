'use strict';

// Spans through @opentelemetry/api where it is installed, named as OpenTelemetry names those of
// messaging systems.

const { version } = require('../package.json');
const { wrongType } = require('./errors');

/** Kinds of spans, as numbered by @opentelemetry/api. */
const CLIENT = 2;
const PRODUCER = 3;
const CONSUMER = 4;
const STATUS_ERROR = 2;

/** The trace of spans that nobody takes. */
const NO_TRACE = '0'.repeat(32);

/** The spans of one client; `null` if there is nobody to give them to. */
function tracingOf(option) {
  if (option === false) {
    return null;
  }
  if (option === undefined || option === true) {
    const api = installed();
    if (option && api === null) {
      throw wrongType('tracing', option, 'false or unset, for @opentelemetry/api is not installed');
    }
    return api === null ? null : new Tracing(api);
  }
  if (typeof option?.trace?.getTracer !== 'function') {
    throw wrongType('tracing', option, 'a boolean or the module @opentelemetry/api');
  }
  return new Tracing(option);
}

let found;

function installed() {
  if (found === undefined) {
    try {
      found = require('@opentelemetry/api');
    } catch {
      found = null;
    }
  }
  return found;
}

class Tracing {
  #api;
  #tracer;
  #isLive = false;

  constructor(api) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('beanwire', version);
  }

  /** Whether there is anybody to give spans to: the package alone, without an SDK, takes none. */
  get isLive() {
    if (!this.#isLive) {
      const provider = this.#api.trace.getTracerProvider?.();
      this.#isLive = provider?.getDelegateTracer === undefined
        || provider.getDelegateTracer('beanwire') !== undefined;
    }
    return this.#isLive;
  }

  /** The span of a put. */
  put(tube) {
    return this.#start(PRODUCER, 'put', 'send', { 'messaging.destination.name': tube });
  }

  /** The span of many puts. */
  putMany() {
    return this.#start(PRODUCER, 'put_many', 'send', {});
  }

  /** The span of a call that finishes a job. */
  settle(name, job) {
    return this.#start(CLIENT, name, 'settle', messageOf(job));
  }

  /** Runs a handler within its span, which continues the trace of the put if it came along. */
  process(job, headers, handler) {
    const { context, propagation, trace } = this.#api;
    const parent = headers === undefined ? context.active()
      : propagation.extract(context.active(), headers);
    const attributes = { ...messageOf(job), 'messaging.message.body.size': job.body.length };
    const span = this.#start(CONSUMER, 'process', 'process', attributes, parent);
    if (span.spanContext().traceId === NO_TRACE) {
      return handler(job);
    }
    const running = context.with(trace.setSpan(parent, span), async () => handler(job));
    return running.then(() => span.end(), (error) => {
      span.setAttribute('error.type', 'handler');
      span.setStatus({ code: STATUS_ERROR, message: String(error?.message ?? error) });
      span.end();
      throw error;
    });
  }

  /** What carries the context of a span along. */
  headersOf(span) {
    const { context, propagation, trace } = this.#api;
    const headers = {};
    propagation.inject(trace.setSpan(context.active(), span), headers);
    return headers;
  }

  #start(kind, name, type, attributes, parent = this.#api.context.active()) {
    return this.#tracer.startSpan(name, {
      attributes: {
        'messaging.system': 'beanstalkd',
        'messaging.operation.name': name,
        'messaging.operation.type': type,
        ...attributes,
      },
      kind,
    }, parent);
  }
}

/** The spans of a client, if there is anybody to take them or a context that goes along. */
function spansOf({ propagate, tracing }) {
  return tracing !== null && (propagate || tracing.isLive) ? tracing : null;
}

/** Notes which job it was about. */
function noteJob(span, job) {
  span.setAttributes(messageOf(job));
}

/** Ends a span with what went wrong, if anything did. */
function end(span, error) {
  if (error !== undefined) {
    span.setAttribute('error.type', error?.code ?? error?.name ?? 'error');
    span.setStatus({ code: STATUS_ERROR, message: String(error?.message ?? error) });
  }
  span.end();
}

function messageOf({ id, server }) {
  return { 'messaging.message.id': String(id), ...addressOf(server) };
}

/** `beanstalk://host:port` in parts; the path of a unix socket as a whole. */
function addressOf(server) {
  const parts = /^[a-z]+:\/\/(.+):(\d+)$/.exec(server);
  return parts === null || server.startsWith('unix:') ? { 'server.address': server }
    : { 'server.address': parts[1], 'server.port': Number(parts[2]) };
}

module.exports = { end, noteJob, spansOf, tracingOf };
