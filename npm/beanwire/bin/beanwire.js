#!/usr/bin/env node
'use strict';

// The command line: runs the program that the package of this system brings, as if it had been
// called itself. Arguments, standard streams, signals and the exit status pass through.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const { constants } = require('node:os');
const path = require('node:path');
const { isatty } = require('node:tty');
const { PREFIX, here, missing, version } = require('../lib/platform');

/** What somebody may want to tell the program. Node.js cannot listen for the others on Windows. */
const SIGNALS = process.platform === 'win32'
  ? ['SIGINT', 'SIGBREAK', 'SIGHUP']
  : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** Those that a terminal sends to every program in it, this one and the other alike. */
const OF_TERMINALS = ['SIGINT', 'SIGQUIT', 'SIGBREAK'];

/** The program: beside this file in a clone, else in the package of the system. */
function program() {
  const name = process.platform === 'win32' ? 'beanwire.exe' : 'beanwire';
  const own = path.join(__dirname, '../npm', here(), name);
  if (fs.existsSync(own)) {
    return own;
  }
  const tried = [`Cannot find '${own}'`];
  try {
    const manifest = require.resolve(`${PREFIX}${here()}/package.json`);
    const found = require(manifest).version;
    if (found !== version) {
      tried.push(`version mismatch, expected ${version} but got ${found}`);
    } else {
      const file = path.join(path.dirname(manifest), name);
      if (fs.existsSync(file)) {
        return file;
      }
      tried.push(`Cannot find '${file}'`);
    }
  } catch (error) {
    tried.push(String(error.message).split('\n', 1)[0]);
  }
  throw missing('command line', tried);
}

function run(file) {
  const child = spawn(file, process.argv.slice(2), { stdio: 'inherit' });
  const terminal = [0, 1, 2].some(isatty);
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // Twice would mean more than once: the second of these ends the program by force.
      if (!terminal || !OF_TERMINALS.includes(signal)) {
        child.kill(signal);
      }
    });
  }
  child.on('error', (error) => {
    fail(`${file}: ${error.message}`);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    // It ends the way the program did, or, where it cannot, with the status a shell would give.
    process.exitCode = 128 + constants.signals[signal];
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = 1;
}

try {
  run(program());
} catch (error) {
  fail(error.message);
}
