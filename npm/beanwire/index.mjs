import beanwire from './index.js';

export const { BeanwireError, Connection, Consumer, Job, Producer, startServer, version } = beanwire;
