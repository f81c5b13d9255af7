'use strict';

// What a client has to tell, as events of its public object and lines of its log.

const { Failure, errorOf } = require('./errors');

const { nextTick } = process;

/** Tells of an event, also if the client was collected. */
function tell(logger, event, client) {
  TELL[event.type]?.(logger, event, client);
}

const TELL = {
  connected(logger, { server }, client) {
    logger.info(`connected to ${server}`, { server });
    emit(client, 'connect', { server });
  },
  disconnected(logger, event, client) {
    const { retryIn, server } = event;
    const error = errorOf(Failure.from(event.error));
    logger.error(`disconnected from ${server}: ${error.message}`, fieldsOf(server, error, { retryIn }));
    emit(client, 'disconnect', { error, retryIn, server });
  },
  'connect-failed'(logger, event, client) {
    const { retryIn, server } = event;
    const error = errorOf(Failure.from(event.error));
    logger.error(`cannot connect to ${server}: ${error.message}`, fieldsOf(server, error, { retryIn }));
    emitError(client, error, { during: 'connect', retryIn, server });
  },
  retry(logger, event, client) {
    const { server } = event;
    const error = errorOf(Failure.from(event.error));
    const fields = fieldsOf(server, error, { outcome: error.outcome });
    logger.error(`a put is done again after ${server}: ${error.message}`, fields);
    emit(client, 'retry', { error, server });
  },
  draining(logger, { server }, client) {
    logger.error(`${server} refuses new jobs`, { server });
    emit(client, 'drain', { server });
  },
  'job-lost'(logger, { id, reason, server }, client) {
    logger.error(`job ${id} of ${server} is lost: ${reason}`, { id: String(id), reason, server });
    emit(client, 'lost', { id, reason, server });
  },
  'job-failed'(logger, { action, delay, id, server, tube }, client) {
    const to = action === 'released' ? ` for ${delay} s` : tube === undefined ? '' : ` to ${tube}`;
    const fields = { action, delay, id: String(id), server, tube };
    logger.info(`job ${id} of ${server} failed and is ${action}${to}`, fields);
    emit(client, 'fail', { action, delay, id, server, tube });
  },
  'give-back-failed'(logger, event, client) {
    const { id, server } = event;
    const error = errorOf(Failure.from(event.error));
    logger.error(
      `job ${id} of ${server} is not given back, it stays reserved until its TTR ends: ${error.message}`,
      fieldsOf(server, error, { id: String(id) }),
    );
    emitError(client, error, { during: 'give-back', id, server });
  },
};

/** A handler that threw, and whatever else went wrong where no caller waits. */
function tellError(client, logger, message, error, details) {
  const fields = { ...details, error };
  if (details.id !== undefined) {
    fields.id = String(details.id);
  }
  logger.error(message, fields);
  return emitError(client, error, details) || !logger.isSilent;
}

/** The listener's own error is nobody's here: it ends where those of all listeners end. */
function emit(client, name, ...values) {
  try {
    return client?.emit(name, ...values) ?? false;
  } catch (error) {
    nextTick(() => {
      throw error;
    });
    return true;
  }
}

/** An 'error' without a listener would end the process. */
function emitError(client, error, details) {
  return client !== undefined && client.listenerCount('error') > 0
    && emit(client, 'error', error, details);
}

function fieldsOf(server, error, more) {
  return { code: error.code, error: error.message, server, ...more };
}

module.exports = { tell, tellError };
