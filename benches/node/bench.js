'use strict';

// The npm package beside other clients, against a beanstalkd of its own, in alternating rounds:
// `npm ci && node bench.js [--rounds N]`, after `cargo xtask node`.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { clients } = require('./clients');

const SCENARIOS = {
  sequential: 'sequential await put',
  inFlight: '200 puts in flight',
  putMany: 'putMany',
  consume: 'consume, concurrency 100',
};

async function main() {
  const options = { rounds: { default: '5', type: 'string' } };
  const rounds = Number(parseArgs({ options }).values.rounds);
  const names = Object.keys(clients);
  const figures = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    // Each begins a round in turn: what changes on the machine meanwhile is shared by all.
    for (let at = 0; at < names.length; at += 1) {
      const name = names[(round + at) % names.length];
      figures[name].push(await measured(name));
    }
  }
  print(figures, rounds);
}

/** Every client gets a fresh server and a fresh process. */
async function measured(name) {
  const port = await freePort();
  const server = spawn('beanstalkd', ['-l', '127.0.0.1', '-p', String(port)], { stdio: 'inherit' });
  try {
    await listening(port, server);
    const args = ['--no-deprecation', path.join(__dirname, 'measure.js'), name, String(port)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    if (code !== 0) {
      throw new Error(`${name} ended with ${code}`);
    }
    return JSON.parse(said);
  } finally {
    server.kill();
  }
}

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

async function listening(port, server) {
  const failed = once(server, 'exit').then(() => {
    throw new Error('beanstalkd ended');
  });
  const connected = async () => {
    for (;;) {
      const socket = net.connect(port, '127.0.0.1');
      try {
        await once(socket, 'connect');
        return socket.end();
      } catch {
        await sleep(10);
      }
    }
  };
  await Promise.race([failed, connected()]);
  failed.catch(() => {});
}

/** The median of all rounds: jobs per second, microseconds of processor time per job. */
function print(figures, rounds) {
  const names = Object.keys(figures);
  const cell = (name, scenario) => {
    const found = figures[name].map((round) => round[scenario]).filter(Boolean);
    if (found.length === 0) {
      return '-';
    }
    const rate = median(found.map((figure) => figure.rate));
    const cpu = median(found.map((figure) => figure.cpu));
    return `${Math.round(rate)}/s ${cpu.toFixed(1)} us`;
  };
  console.log(`Jobs per second and processor time per job: medians of ${rounds} rounds;`
    + ` Node.js ${process.versions.node}, bodies of 100 bytes, beanstalkd on loopback\n`);
  const rows = [['', ...names]];
  for (const [scenario, title] of Object.entries(SCENARIOS)) {
    rows.push([title, ...names.map((name) => cell(name, scenario))]);
  }
  for (const [title, ...cells] of rows) {
    console.log(title.padEnd(26) + cells.map((text) => text.padStart(20)).join(''));
  }
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

main();
