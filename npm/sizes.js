'use strict';

// Prints how large the packages are, packed and unpacked: that of this system's binaries, with what
// each of them is worth, and the one that everybody installs.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const main = path.join(__dirname, 'beanwire');
const built = fs.readdirSync(path.join(main, 'npm')).map((name) => path.join(main, 'npm', name))
  .filter((dir) => fs.readdirSync(dir).some((file) => file.endsWith('.node')));

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0).padStart(6)} kB`;

for (const dir of [main, ...built]) {
  const [account] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: dir, encoding: 'utf8' }),
  );
  const { files, name, size, unpackedSize } = account;
  console.log(`${name.padEnd(34)}${kilobytes(size)} packed ${kilobytes(unpackedSize)} unpacked`);
  for (const file of files.filter(({ path: file }) => /^beanwire(\.exe|\..*\.node)?$/.test(file))) {
    console.log(`  ${file.path.padEnd(32)}${' '.repeat(17)}${kilobytes(file.size)}`);
  }
}
