'use strict';

// A server on a thread of its own that answers its first put and resets the connection. It posts its
// port, and sets `workerData` once the connection is reset.

const net = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');

const STATS = '---\nversion: "1.13"\nmax-job-size: 65535\ndraining: false\n';

let puts = 0;

const listener = net.createServer((socket) => {
  let pending = '';
  socket.on('error', () => {});
  socket.on('data', (data) => {
    const lines = `${pending}${data}`.split('\r\n');
    pending = lines.pop();
    const before = puts;
    // In one write: a second one would wait for an acknowledgement, and get lost with the reset.
    const replies = lines.map(answer).join('');
    socket.write(replies, before === 0 && puts > 0 ? () => reset(socket) : undefined);
  });
});

function answer(line) {
  if (line === 'stats') {
    return `OK ${STATS.length}\r\n${STATS}\r\n`;
  }
  if (line.startsWith('use ')) {
    return `USING ${line.slice(4)}\r\n`;
  }
  if (line.startsWith('body ')) {
    puts += 1;
    return `INSERTED ${puts}\r\n`;
  }
  return '';
}

function reset(socket) {
  socket.resetAndDestroy();
  socket.once('close', () => {
    Atomics.store(workerData, 0, 1);
    Atomics.notify(workerData, 0);
  });
}

listener.listen(0, '127.0.0.1', () => parentPort.postMessage(listener.address().port));
