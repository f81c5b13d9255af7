'use strict';

// Results that are no success travel as plain data; errors are made of them in the async function
// that the caller awaits, so that their stacks lead to the caller.

/** What a Beanwire call fails with. */
class BeanwireError extends Error {
  constructor(message, { cause, code, outcome = 'unknown', retry = 'never' }) {
    super(message, cause === undefined ? undefined : { cause });
    describe(this, code, outcome, retry);
  }
}

Object.defineProperty(BeanwireError.prototype, 'name', {
  configurable: true, value: 'BeanwireError', writable: true,
});

/** A failed operation. */
class Failure {
  constructor(code, message, outcome, retry, sources) {
    this.code = code;
    this.message = message;
    this.outcome = outcome;
    this.retry = retry;
    this.sources = sources;
  }

  static from({ code, message, outcome, retry, sources }) {
    return new Failure(code, message, outcome, retry, sources);
  }
}

/** An operation that its caller gave up; it ends with the caller's reason. */
class Aborted extends Failure {
  constructor(reason) {
    super('ABORTED', '', 'unknown', 'never', undefined);
    this.reason = reason;
  }
}

/** What failed because of an error that was there already. */
class Thrown extends Failure {
  constructor(error) {
    super('THROWN', '', 'not-sent', 'never', undefined);
    this.error = error;
  }
}

function timedOut(timeout, outcome) {
  return new Failure('TIMEOUT', `no answer within ${timeout} ms`, outcome, 'later');
}

function closed() {
  return new Failure('CLOSED', 'the client is closed', 'not-sent', 'never');
}

/** The value of an operation; throws if it has none. To be called by whom the caller awaits. */
function valueOf(result) {
  if (result instanceof Failure) {
    const error = errorOf(result);
    // The frames of this file tell nobody anything.
    if (!(result instanceof Aborted) && !(result instanceof Thrown)) {
      Error.captureStackTrace(error, valueOf);
    }
    throw error;
  }
  return result;
}

/** The error that a failure stands for. */
function errorOf(failure) {
  if (failure instanceof Aborted) {
    return failure.reason;
  }
  if (failure instanceof Thrown) {
    return failure.error;
  }
  const { code, message, outcome, retry, sources } = failure;
  if (code === 'INVALID_ARGUMENT') {
    return describe(new RangeError(asNamedHere(message)), code, outcome, retry);
  }
  return new BeanwireError(message, { cause: causeOf(sources, 0), code, outcome, retry });
}

/** An argument of a wrong type. */
function wrongType(field, value, expected) {
  const error = new TypeError(`${field}: expected ${expected}, got ${show(value)}`);
  return describe(error, 'INVALID_ARGUMENT', 'not-sent', 'never');
}

/** An argument that is not known. */
function unknownOption(field, known) {
  const error = new TypeError(`${field}: no such option; there are ${known.join(', ')}`);
  return describe(error, 'INVALID_ARGUMENT', 'not-sent', 'never');
}

/** An argument outside its limits. */
function outOfRange(field, value, limit) {
  const error = new RangeError(`${field}: ${show(value)} is not allowed, the limit is ${limit}`);
  return describe(error, 'INVALID_ARGUMENT', 'not-sent', 'never');
}

function describe(error, code, outcome, retry) {
  error.code = code;
  error.outcome = outcome;
  error.retry = retry;
  error.retryable = retry !== 'never';
  return error;
}

/** Settings that have names of their own here. */
const NAMES = {
  'tls.client_certificate': 'tls.cert',
  'tls.client_certificate.chain_pem': 'tls.cert',
  'tls.client_certificate.key_pem': 'tls.key',
  'tls.roots': 'tls.ca',
};

/** The message names a setting as the native side knows it: `failure.max_delay: ...`. */
function asNamedHere(message) {
  return message.replace(/^[a-z_.]+(?=:)/, (field) => (
    NAMES[field] ?? field.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  ));
}

function causeOf(sources, at) {
  if (sources === undefined || at >= sources.length) {
    return undefined;
  }
  const deeper = causeOf(sources, at + 1);
  const cause = new Error(sources[at], deeper === undefined ? undefined : { cause: deeper });
  // It happened elsewhere: a stack would lead astray.
  cause.stack = `Error: ${sources[at]}`;
  return cause;
}

function show(value) {
  switch (typeof value) {
    case 'string':
      return value.length > 64 ? `${JSON.stringify(value.slice(0, 64))}...` : JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object':
      return value === null ? 'null' : `an instance of ${value.constructor?.name ?? 'Object'}`;
    default:
      return String(value);
  }
}

module.exports = {
  Aborted,
  BeanwireError,
  Failure,
  Thrown,
  closed,
  errorOf,
  outOfRange,
  timedOut,
  unknownOption,
  valueOf,
  wrongType,
};
