'use strict';

// Two functions take all that is told: console and pino have them.

const check = require('./check');
const { wrongType } = require('./errors');

const SILENT = { error() {}, info() {}, isSilent: true };

/** A logger that never throws. */
function loggerOf(logger) {
  if (logger === undefined) {
    return SILENT;
  }
  if ((typeof logger !== 'object' && typeof logger !== 'function') || logger === null) {
    throw wrongType('logger', logger, 'an object with the functions info and error');
  }
  check.func('logger.info', logger.info);
  check.func('logger.error', logger.error);
  return {
    error: (message, fields) => tell(logger, 'error', message, fields),
    info: (message, fields) => tell(logger, 'info', message, fields),
    isSilent: false,
  };
}

function tell(logger, level, message, fields) {
  try {
    logger[level](message, fields);
  } catch {
    // A broken log must not stop the work, and there is nowhere to say so.
  }
}

module.exports = { loggerOf };
