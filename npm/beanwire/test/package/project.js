'use strict';

// Packed tarballs, and fresh projects that install them.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '../..');
const tools = path.join(root, '../node_modules');

/** Where `cargo xtask setup` puts the versions of Node.js that the package is for. */
const nodes = process.env.BEANWIRE_NODES ?? path.join(root, '../../target/nodes');

/** This system, in the words of the packages' names; its package has a binary once one is built. */
const target = fs.readdirSync(path.join(root, 'npm')).find((name) => (
  name.startsWith(`${process.platform}-${process.arch}`) && fs.existsSync(binaryOf(name))
));
if (target === undefined) {
  throw new Error('there is no binary for this system; run\n  cargo xtask node');
}

/** The package with a binary for this system, and the binary. */
const platform = path.join(root, 'npm', target);
const binary = binaryOf(target);

/** The name of the command line in that package. */
const executable = process.platform === 'win32' ? 'beanwire.exe' : 'beanwire';

function binaryOf(name) {
  return path.join(root, 'npm', name, `beanwire.${name}.node`);
}

/** A folder that is gone after the test, or after the suite. */
function folder(after) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beanwire-'));
  after(() => fs.rmSync(dir, { force: true, recursive: true }));
  return dir;
}

/** Packs the package in `dir` into `into`; gives the tarball's path and npm's account of it. */
function pack(dir, into) {
  const [account] = JSON.parse(npm(dir, 'pack', '--json', '--pack-destination', into));
  return { account, file: path.join(into, account.filename) };
}

/** Makes a project of the files given by name and installs the packages into it. */
function project(dir, files, packages) {
  write(dir, { 'package.json': '{"private": true}', ...files });
  // Offline, as these versions may not be published yet, or be other ones than are tested.
  npm(dir, 'install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', ...packages);
}

function write(dir, files) {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), text);
  }
}

/** Runs a tool of the folder above with this Node.js. */
function tool(cwd, name, ...args) {
  const file = path.join(tools, '.bin', name);
  if (!fs.existsSync(file)) {
    throw new Error(`${name} is not installed; run\n  cargo xtask setup`);
  }
  return run(cwd, process.execPath, [fs.realpathSync(file), ...args]);
}

/** Runs a script with the given major version of Node.js. */
function node(cwd, major, ...args) {
  const file = path.join(nodes, String(major), 'node_modules/node/bin/node');
  if (!fs.existsSync(file)) {
    throw new Error(`Node.js ${major} is not installed; run\n  cargo xtask setup`);
  }
  return run(cwd, file, args);
}

function npm(cwd, ...args) {
  return run(cwd, 'npm', args);
}

/** What the program prints; if it fails, an error with all that it said. */
function run(cwd, program, args) {
  const options = { cwd, encoding: 'utf8', timeout: 120e3 };
  const { error, signal, status, stderr, stdout } = spawnSync(program, args, options);
  if (status !== 0) {
    const why = error?.message ?? `it ended with ${signal ?? status}`;
    throw new Error(`${[program, ...args].join(' ')}: ${why}\n${stdout}${stderr}`);
  }
  return stdout;
}

module.exports = {
  binary, executable, folder, node, npm, pack, platform, project, root, target, tool, tools, write,
};
