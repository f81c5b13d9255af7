'use strict';

// The component as a module of Node.js, and TLS in front of a server.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { atEnd, freePort, listening } = require('../../beanwire/test/beanstalkd');

const ROOT = path.join(__dirname, '../../..');
const COMPONENTS = path.join(process.env.BEANWIRE_TARGET ?? path.join(ROOT, 'target'), 'components');

/** Made for tests, valid for queue.test and 127.0.0.1 until the year 2126. */
const TLS = path.join(ROOT, 'npm/beanwire/test/tls');

/** What a component exports, and what its module imports. */
async function component(name) {
  const file = path.join(COMPONENTS, `${name}.wasm`);
  if (!fs.existsSync(file)) {
    throw new Error(`target/components/${name}.wasm is missing; run: cargo xtask wasm`);
  }
  const { transpile, writeFiles } = await import('@bytecodealliance/jco-transpile');
  const outDir = path.join(COMPONENTS, 'jco', name);
  const { files, imports } = await transpile(file, { name, outDir });
  await writeFiles(files);
  fs.writeFileSync(path.join(outDir, 'package.json'), '{"type": "module"}');
  // What the module imports is looked for from where it is.
  const modules = path.join(outDir, 'node_modules');
  fs.rmSync(modules, { force: true });
  fs.symlinkSync(path.join(ROOT, 'npm/node_modules'), modules, 'junction');
  return { exports: await import(path.join(outDir, `${name}.js`)), imports };
}

/** TLS in front of a port, shown with the certificate of the tests; it ends with the test. */
async function stunnel(t, backend) {
  const port = await freePort();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beanwire-'));
  const config = path.join(dir, 'config');
  fs.writeFileSync(config, [
    'foreground = yes', 'pid =', 'syslog = no', '[beanstalkd]',
    `accept = 127.0.0.1:${port}`, `connect = 127.0.0.1:${backend}`,
    `cert = ${TLS}/cert.pem`, `key = ${TLS}/key.pem`, '',
  ].join('\n'));
  const child = spawn('stunnel', [config], { stdio: 'ignore' });
  atEnd(t, async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    fs.rmSync(dir, { recursive: true });
  });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('stunnel cannot be started: apt-get install stunnel4', { cause: error });
  });
  await Promise.race([failed, listening(port)]);
  failed.catch(() => {});
  return `beanstalks://127.0.0.1:${port}`;
}

/** Who vouches for that certificate. */
const authority = () => fs.readFileSync(path.join(TLS, 'ca.pem'), 'utf8');

/** What a call throws: the error of the interface. */
function failure(call) {
  try {
    call();
  } catch (error) {
    return error.payload ?? error;
  }
  throw new Error('the call has not failed');
}

module.exports = { authority, component, failure, stunnel };
