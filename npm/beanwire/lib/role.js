'use strict';

/** What a client is to the native side. */
const Role = Object.freeze({ PRODUCER: 0, CONSUMER: 1, CONNECTION: 2 });

module.exports = { Role };
