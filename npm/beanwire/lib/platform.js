'use strict';

// Which of the packages with native parts belongs to this system, and why it may not be there.

const { optionalDependencies, version } = require('../package.json');

/** What the names of the packages with native parts start with; the rest is the target. */
const PREFIX = '@beanwire/binding-';

const BUILD = 'in a clone, build it with `cargo xtask node`';
const EXTERNAL = 'if a bundler made this file, mark `beanwire` as external';

/** An error for what could not be loaded or found, with what was tried and how to mend it. */
function missing(what, tried, cause) {
  const list = (lines) => lines.map((line) => `\n  - ${line}`).join('');
  return new Error(
    `beanwire ${version} has no ${what} for ${here()} (Node.js ${process.versions.node})`
    + `\nTried:${list(tried)}\nTo mend it:${list(hints(tried.join('\n')))}`,
    { cause },
  );
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

module.exports = { PREFIX, here, missing, version };
