'use strict';

// The native binding, or an error that says what was tried and how to mend it.
//
// `binding.js` is generated together with the binary and names what that one exports: the build
// makes it, and it is not kept in git, where it could only be older than the binary. Its own error
// says little of why nothing was found, so there is another one here.

const { missing } = require('./platform');

/** Has the generated file refuse a package of another version; it has no other way to be told. */
const SAME_VERSION = 'NAPI_RS_ENFORCE_VERSION_CHECK';

function load() {
  const before = process.env[SAME_VERSION];
  process.env[SAME_VERSION] = '1';
  try {
    return require('../binding.js');
  } catch (cause) {
    const error = missing('native binding', reasons(cause), cause);
    error.code = 'NATIVE_BINDING_NOT_LOADED';
    throw error;
  } finally {
    delete process.env[SAME_VERSION];
    if (before !== undefined) {
      process.env[SAME_VERSION] = before;
    }
  }
}

/** The first line of every error in the chain; what was tried first comes first. */
function reasons(error) {
  const lines = [];
  for (let at = error.cause ?? error; at; at = at.cause) {
    lines.unshift(String(at.message).split('\n', 1)[0]);
  }
  // The generated file also looks for WebAssembly, which this package does not have.
  return lines.filter((line) => !line.includes('wasi'));
}

module.exports = load();
