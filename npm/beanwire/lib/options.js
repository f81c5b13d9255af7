'use strict';

// The settings of a client: those of the native side under their names there, and those that exist
// only here.

const check = require('./check');
const { codecOf } = require('./codec');
const { loggerOf } = require('./logger');
const { tracingOf } = require('./tracing');
const { outOfRange, wrongType } = require('./errors');

const HOUR = 3600e3;
const DAY = 24 * HOUR;
const GIB = 2 ** 30;

const whole = (min, max) => (field, value) => check.integer(field, value, min, max);
const span = (min, max) => (field, value) => check.millis(field, value, min, max);

/** Name here, name on the native side, and what is allowed. */
const NATIVE = {
  multiply: ['multiply', whole(1, 1024)],
  concurrency: ['concurrency', whole(1, 65536)],
  maxConnections: ['max_connections', whole(1, 1024)],
  prefetch: ['prefetch', whole(0, 65536)],
  connectTimeout: ['connect_timeout_ms', span(1, HOUR)],
  commandTimeout: ['command_timeout_ms', span(1, HOUR)],
  putTimeout: ['put_timeout_ms', span(0, DAY)],
  reserveTimeout: ['reserve_timeout_ms', span(1000, HOUR)],
  reconnectMin: ['reconnect_min_ms', span(1, HOUR)],
  reconnectMax: ['reconnect_max_ms', span(1, HOUR)],
  delivery: ['delivery', delivery],
  autoTouch: ['auto_touch', check.flag],
  failure: ['failure', failure],
  maxBodySize: ['max_body_size', whole(1, GIB)],
  maxPendingBytes: ['max_pending_bytes', whole(4096, Number.MAX_SAFE_INTEGER)],
  tls: ['tls', tls],
  validateUris: ['validate_uris', check.flag],
};

const KNOWN = [...Object.keys(NATIVE), 'codec', 'logger', 'propagate', 'tracing'];

const DEFAULTS = {
  concurrency: 10, failureDelay: 1, failureMaxDelay: 300, multiply: 1, reconnectMax: 3000,
  reconnectMin: 100,
};

/** Checks the options of a client and gives its settings. */
function settingsOf(options) {
  const given = check.options(options, KNOWN);
  const config = {};
  for (const [name, [key, allowed]] of Object.entries(NATIVE)) {
    if (given[name] !== undefined) {
      config[key] = allowed(name, given[name]);
    }
  }
  checkTogether(given);
  const propagate = given.propagate !== undefined && check.flag('propagate', given.propagate);
  if (propagate && given.codec !== 'json') {
    throw wrongType('codec', given.codec, '"json", which `propagate` needs');
  }
  return {
    codec: codecOf(given.codec),
    concurrency: given.concurrency ?? DEFAULTS.concurrency,
    config: JSON.stringify(config),
    logger: loggerOf(given.logger),
    propagate,
    tracing: tracingOf(given.tracing),
  };
}

/** Limits that settings set each other. */
function checkTogether({ maxConnections, multiply, reconnectMax, reconnectMin }) {
  const least = multiply ?? DEFAULTS.multiply;
  if (maxConnections < least) {
    throw outOfRange('maxConnections', maxConnections, `${least} (multiply) to 1024`);
  }
  const first = reconnectMin ?? DEFAULTS.reconnectMin;
  if ((reconnectMax ?? DEFAULTS.reconnectMax) < first) {
    const limit = `${first} (reconnectMin) to ${HOUR} milliseconds`;
    throw outOfRange('reconnectMax', reconnectMax ?? DEFAULTS.reconnectMax, limit);
  }
}

function delivery(field, value) {
  if (value !== 'at-least-once' && value !== 'at-most-once') {
    throw wrongType(field, value, '"at-least-once" or "at-most-once"');
  }
  return value;
}

function failure(field, value) {
  const known = ['delay', 'maxDelay', 'maxAttempts', 'deadLetter'];
  const { deadLetter, delay, maxAttempts, maxDelay } = check.options(value, known, field);
  const policy = {};
  if (delay !== undefined) {
    policy.delay_ms = check.seconds(`${field}.delay`, delay) * 1000;
  }
  if (maxDelay !== undefined) {
    policy.max_delay_ms = check.seconds(`${field}.maxDelay`, maxDelay) * 1000;
  }
  const longest = maxDelay ?? DEFAULTS.failureMaxDelay;
  if ((delay ?? DEFAULTS.failureDelay) > longest) {
    const limit = `0 to ${longest} (${field}.maxDelay) seconds`;
    throw outOfRange(`${field}.delay`, delay ?? DEFAULTS.failureDelay, limit);
  }
  if (maxAttempts !== undefined) {
    policy.max_attempts = check.integer(`${field}.maxAttempts`, maxAttempts, 1, check.MAX_U32);
  }
  if (deadLetter !== undefined) {
    policy.exhausted = { 'dead-letter': check.tube(`${field}.deadLetter`, deadLetter) };
    // Without a limit there is never a last attempt, and the tube would stay empty for ever.
    if (maxAttempts === undefined) {
      throw wrongType(`${field}.maxAttempts`, undefined, `a number, which ${field}.deadLetter needs`);
    }
  }
  return policy;
}

function tls(field, value) {
  const { ca, cert, key, serverName } = check.options(value, ['ca', 'cert', 'key', 'serverName'], field);
  const config = {};
  if (ca !== undefined) {
    const parts = Array.isArray(ca) ? ca : [ca];
    config.roots = { pem: parts.map((part) => pem(`${field}.ca`, part)).join('\n') };
  }
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'cert' : 'key';
    throw wrongType(`${field}.${missing}`, undefined, 'PEM text: a certificate and its key go together');
  }
  if (cert !== undefined) {
    config.client_certificate = {
      chain_pem: pem(`${field}.cert`, cert), key_pem: pem(`${field}.key`, key),
    };
  }
  if (serverName !== undefined) {
    config.server_name = check.text(`${field}.serverName`, serverName);
  }
  return config;
}

function pem(field, value) {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
  }
  if (typeof value !== 'string') {
    throw wrongType(field, value, 'PEM text as a string or Buffer');
  }
  return value;
}

module.exports = { pem, settingsOf };
