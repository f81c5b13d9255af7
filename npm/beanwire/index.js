'use strict';

const { Connection } = require('./lib/connection');
const { Consumer } = require('./lib/consumer');
const { BeanwireError } = require('./lib/errors');
const { Job } = require('./lib/job');
const { Producer } = require('./lib/producer');
const { startServer } = require('./lib/server');
const { version } = require('./package.json');

module.exports = { BeanwireError, Connection, Consumer, Job, Producer, startServer, version };
