'use strict';

// The native binding, or an error that says what was tried and how to mend it.
//
// `binding.js` is generated together with the binary and names what that one exports: the build
// makes it, and it is not kept in git, where it could only be older than the binary. Its own error
// says little of why nothing was found, so there is another one here.

const { optionalDependencies, version } = require('../package.json');

/** What the names of the packages with a binary start with; the rest is the target. */
const PREFIX = '@beanwire/binding-';

/** Has the generated file refuse a package of another version; it has no other way to be told. */
const SAME_VERSION = 'NAPI_RS_ENFORCE_VERSION_CHECK';

const BUILD = 'in a clone, build it with `cargo xtask node`';
const EXTERNAL = 'if a bundler made this file, mark `beanwire` as external';

function load() {
  const before = process.env[SAME_VERSION];
  process.env[SAME_VERSION] = '1';
  try {
    return require('../binding.js');
  } catch (error) {
    throw loadError(error);
  } finally {
    delete process.env[SAME_VERSION];
    if (before !== undefined) {
      process.env[SAME_VERSION] = before;
    }
  }
}

function loadError(cause) {
  const tried = reasons(cause);
  const mend = hints(tried.join('\n'));
  const list = (lines) => lines.map((line) => `\n  - ${line}`).join('');
  const error = new Error(
    `beanwire ${version} has no native binding for ${here()} (Node.js ${process.versions.node})`
    + `\nTried:${list(tried)}\nTo mend it:${list(mend)}`,
    { cause },
  );
  error.code = 'NATIVE_BINDING_NOT_LOADED';
  return error;
}

/** The first line of every error in the chain; what was tried first comes first. */
function reasons(error) {
  const lines = [];
  for (let at = error.cause ?? error; at; at = at.cause) {
    lines.unshift(String(at.message).split('\n', 1)[0]);
  }
  // The generated file also looks for WebAssembly, which this package does not have.
  return lines.filter((line) => !line.includes('wasi'));
}

function hints(tried) {
  if (tried.includes('binding.js')) {
    return [BUILD, EXTERNAL];
  }
  const targets = Object.keys(optionalDependencies).map((name) => name.slice(PREFIX.length));
  if (!targets.includes(here())) {
    return [`there are binaries for ${targets.join(', ')}; for others, ${BUILD}`];
  }
  if (tried.includes('version mismatch')) {
    return ['remove node_modules and install again'];
  }
  const installed = targets.filter(isInstalled);
  if (installed.includes(here())) {
    return tried.includes('GLIBC_')
      ? [`the binary needs a newer glibc than this system has: use a newer system; or ${BUILD}`]
      : ['the binary is there and the system does not load it, for the reason above: install again'];
  }
  const elsewhere = `node_modules has ${installed.join(', ')} and was made on another system.`
    + ' Alpine (musl) and Debian (glibc) need different binaries: install where it runs';
  return [
    ...(installed.length > 0 ? [elsewhere] : []),
    'npm leaves it out when package-lock.json was made on another platform (npm/cli issues 4828'
      + ' and 8320): remove node_modules and package-lock.json, then run `npm install`',
    `${PREFIX}${here()} is an optional dependency: install without \`--omit=optional\``,
    EXTERNAL,
  ];
}

function isInstalled(target) {
  try {
    require.resolve(`${PREFIX}${target}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** This system, in the words of the packages' names. */
function here() {
  const { arch, platform } = process;
  if (platform === 'linux') {
    return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

function isMusl() {
  // The report would look up the names of all peers.
  process.report.excludeNetwork = true;
  return !process.report.getReport().header.glibcVersionRuntime;
}

module.exports = load();
