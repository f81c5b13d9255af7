'use strict';

// Checks of arguments, before anything is sent. What passes is what the native side takes.

const { outOfRange, unknownOption, wrongType } = require('./errors');

const MAX_U32 = 2 ** 32 - 1;
const MAX_U64 = 2n ** 64n - 1n;
/** The longest that a timer of the platform takes: 24 days. */
const MAX_TIMEOUT = 2 ** 31 - 1;
const DEFAULT_PRIORITY = 1024;

function text(field, value) {
  if (typeof value !== 'string') {
    throw wrongType(field, value, 'a string');
  }
  return value;
}

function flag(field, value) {
  if (typeof value !== 'boolean') {
    throw wrongType(field, value, 'a boolean');
  }
  return value;
}

function func(field, value) {
  if (typeof value !== 'function') {
    throw wrongType(field, value, 'a function');
  }
  return value;
}

function object(field, value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(field, value, 'an object');
  }
  return value;
}

function integer(field, value, min, max) {
  if (typeof value !== 'number') {
    throw wrongType(field, value, 'a number');
  }
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(field, value, `an integer from ${min} to ${max}`);
  }
  return value;
}

/** Seconds as the protocol has them: fractions are rounded up. */
function seconds(field, value, min = 0, max = MAX_U32) {
  if (typeof value !== 'number') {
    throw wrongType(field, value, 'a number of seconds');
  }
  const whole = Math.ceil(value);
  if (!(value >= 0 && whole >= min && whole <= max)) {
    throw outOfRange(field, value, `${min} to ${max} seconds`);
  }
  return whole;
}

/** Milliseconds, rounded up to whole ones. */
function millis(field, value, min = 0, max = MAX_TIMEOUT) {
  if (typeof value !== 'number') {
    throw wrongType(field, value, 'a number of milliseconds');
  }
  if (!(value >= min && value <= max)) {
    throw outOfRange(field, value, `${min} to ${max} milliseconds`);
  }
  return Math.ceil(value);
}

/** Milliseconds to wait, `Infinity`, or nothing. */
function timeout(field, value) {
  return value === undefined || value === Infinity ? value : millis(field, value);
}

function priority(field, value) {
  return integer(field, value, 0, MAX_U32);
}

/** The name of a tube, for where the native side would tell too late that it is none. */
function tube(field, value) {
  text(field, value);
  const limit = value === '' || Buffer.byteLength(value) > 200 ? '1 to 200 bytes'
    : value.startsWith('-') ? "not to start with '-'"
      : !/^[-A-Za-z0-9+/;.$_()]*$/.test(value) ? 'only A-Z a-z 0-9 - + / ; . $ _ ( )'
        : undefined;
  if (limit !== undefined) {
    throw outOfRange(field, value, limit);
  }
  return value;
}

function jobId(field, value) {
  if (typeof value === 'number') {
    return BigInt(integer(field, value, 0, Number.MAX_SAFE_INTEGER));
  }
  if (typeof value !== 'bigint') {
    throw wrongType(field, value, 'a bigint or an integer');
  }
  if (value < 0n || value > MAX_U64) {
    throw outOfRange(field, value, `0 to ${MAX_U64}`);
  }
  return value;
}

function signal(field, value) {
  if (value === undefined) {
    return undefined;
  }
  const isSignal = typeof value === 'object' && value !== null
    && typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function';
  if (!isSignal) {
    throw wrongType(field, value, 'an AbortSignal');
  }
  return value;
}

/** A signal that has not aborted yet; throws its reason if it has. */
function openSignal(field, value) {
  if (signal(field, value)?.aborted) {
    throw value.reason;
  }
  return value;
}

/** One text or a list of texts, as a list of its own. */
function list(field, value, each) {
  if (typeof value === 'string') {
    return [each(field, value)];
  }
  if (!Array.isArray(value)) {
    throw wrongType(field, value, 'a string or an array of strings');
  }
  return value.map((item, at) => each(`${field}[${at}]`, item));
}

/** Refuses what is not among the `known` options; without options, gives none. */
function options(value, known, where = 'options') {
  if (value === undefined) {
    return {};
  }
  object(where, value);
  for (const name in value) {
    if (!known.includes(name)) {
      throw unknownOption(where === 'options' ? name : `${where}.${name}`, known);
    }
  }
  return value;
}

/** The `signal` and `timeout` that every call takes. */
function limits(value, known = LIMITS) {
  const given = options(value, known);
  return { signal: openSignal('signal', given.signal), timeout: timeout('timeout', given.timeout) };
}

const LIMITS = ['signal', 'timeout'];

module.exports = {
  DEFAULT_PRIORITY,
  MAX_TIMEOUT,
  MAX_U32,
  flag,
  func,
  integer,
  jobId,
  limits,
  list,
  millis,
  object,
  openSignal,
  options,
  priority,
  seconds,
  signal,
  text,
  timeout,
  tube,
};
