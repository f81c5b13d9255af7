'use strict';

// From values to bodies and back.

const check = require('./check');
const { wrongType } = require('./errors');

const RAW = { decode: (body) => body, encode: (value) => value };

const JSON_CODEC = {
  decode: (body) => JSON.parse(body.toString()),
  encode(value) {
    const text = JSON.stringify(value);
    if (text === undefined) {
      throw wrongType('body', value, 'a value that JSON can express');
    }
    return text;
  },
};

function codecOf(codec = 'raw') {
  if (codec === 'raw') {
    return RAW;
  }
  if (codec === 'json') {
    return JSON_CODEC;
  }
  if (typeof codec !== 'object' || codec === null) {
    throw wrongType('codec', codec, '"raw", "json" or an object with encode and decode');
  }
  check.func('codec.encode', codec.encode);
  check.func('codec.decode', codec.decode);
  return codec;
}

/** The body that goes over the wire. */
function encode(codec, value) {
  const body = codec.encode(value);
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw wrongType(codec === RAW ? 'body' : 'codec.encode', body, 'a Buffer, Uint8Array or string');
  }
  return body;
}

// The trace context goes along in an envelope: {"beanwire": 1, "headers": {...}, "data": value}.

function wrap(value, headers) {
  return { beanwire: 1, headers, data: value };
}

/** What is in the envelope; what is in none is taken as it is. */
function unwrap(value) {
  if (isEnvelope(value)) {
    return { data: value.data, headers: value.headers };
  }
  return { data: value, headers: undefined };
}

function isEnvelope(value) {
  return typeof value === 'object' && value !== null && value.beanwire === 1
    && typeof value.headers === 'object' && value.headers !== null;
}

module.exports = { codecOf, encode, unwrap, wrap };
