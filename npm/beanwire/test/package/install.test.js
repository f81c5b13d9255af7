'use strict';

// The tarballs in fresh projects of every kind, on every version of Node.js the package is for.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const {
  folder, node, npm, pack, platform, project, root, target, tool, tools,
} = require('./project');

const VERSIONS = [20, 22, 24];

const BODY = `
async function main() {
  const server = await startServer();
  const producer = new Producer(server.uri);
  const consumer = new Consumer(server.uri, ['mail']);
  const { id, state } = await producer.put('mail', 'hello', { ttr: 30 });
  for await (const job of consumer) {
    console.log(\`\${state} \${job.id === id} \${job.text()}\`);
    await job.delete();
    break;
  }
  await producer.close();
  await consumer.close();
  await server.close();
}

main();
`;

/** The same for the compiler, with what only types can get wrong. */
const TYPED = `
import { BeanwireError, Consumer, Producer, startServer } from 'beanwire';
import type { Job } from 'beanwire';

export function explain(error: unknown, job: Job): string {
  const id: bigint = job.id;
  return error instanceof BeanwireError ? \`\${id}: \${error.code}\` : String(error);
}
${BODY}`;

const COMPILER = {
  compilerOptions: {
    exactOptionalPropertyTypes: true,
    module: 'nodenext',
    noUncheckedIndexedAccess: true,
    strict: true,
    target: 'es2022',
    types: ['node'],
  },
  include: ['*.ts', '*.mts', '*.cts'],
};

const tarballs = folder(after);
const main = pack(root, tarballs).file;
const native = pack(platform, tarballs).file;

function works(dir, script) {
  for (const version of VERSIONS) {
    test(`on Node.js ${version}`, () => {
      assert.equal(node(dir(), version, script), 'ready true hello\n');
    });
  }
}

describe('a CommonJS project', () => {
  const dir = folder(after);
  before(() => project(dir, {
    'main.js': `const { Consumer, Producer, startServer } = require('beanwire');\n${BODY}`,
  }, [main, native]));
  works(() => dir, 'main.js');

  test('nothing else was installed', () => {
    assert.deepEqual(fs.readdirSync(path.join(dir, 'node_modules/@beanwire')), [`binding-${target}`]);
    const names = fs.readdirSync(path.join(dir, 'node_modules'));
    assert.deepEqual(names.filter((name) => !name.startsWith('.')), ['@beanwire', 'beanwire']);
  });
});

describe('an ES module project', () => {
  const dir = folder(after);
  before(() => project(dir, {
    'main.mjs': `import { Consumer, Producer, startServer } from 'beanwire';\n${BODY}`,
  }, [main, native]));
  works(() => dir, 'main.mjs');
});

describe('a strict TypeScript project', () => {
  const dir = folder(after);
  // Every name that is exported, and no other, for both of the ways to import them.
  const names = Object.keys(require(root)).map((name) => `  ${name}: true,\n`).join('');
  const exported = `import type * as all from 'beanwire';\n
export const names: Record<keyof typeof all, true> = {\n${names}};\n`;
  before(() => project(dir, {
    'main.cts': TYPED,
    'main.mts': TYPED,
    'names.cts': exported.replace(/^.*$/m, "import all = require('beanwire');"),
    'names.mts': exported,
    'tsconfig.json': JSON.stringify(COMPILER),
  }, [main, native, path.join(tools, '@types/node')]));

  test('compiles', () => {
    tool(dir, 'tsc');
  });
  describe('as CommonJS', () => works(() => dir, 'main.cjs'));
  describe('as an ES module', () => works(() => dir, 'main.mjs'));
});

describe('a project without the package of its platform', () => {
  const dir = folder(after);
  const program = "try { require('beanwire') } catch (error) { console.log(error.message) }";
  before(() => project(dir, { 'main.js': program }, [main]));

  test('is told what was tried and what to do', () => {
    const said = node(dir, 20, 'main.js');
    assert.match(said, new RegExp(`no native binding for ${target} `));
    assert.match(said, new RegExp(`Cannot find module '\\./beanwire\\.${target}\\.node'`));
    assert.match(said, new RegExp(`Cannot find module '@beanwire/binding-${target}'`));
    assert.match(said, /npm\/cli issues 4828 and 8320/);
    assert.doesNotMatch(said, /wasi/);
  });

  test('works once that is installed', () => {
    npm(dir, 'install', '--offline', '--no-package-lock', native);
    assert.equal(node(dir, 20, 'main.js'), '');
  });

  test('is told of another version', () => {
    const file = path.join(dir, `node_modules/@beanwire/binding-${target}/package.json`);
    const manifest = { ...JSON.parse(fs.readFileSync(file, 'utf8')), version: '9.8.7' };
    fs.writeFileSync(file, JSON.stringify(manifest));
    const said = node(dir, 20, 'main.js');
    assert.match(said, /version mismatch, expected \S+ but got 9\.8\.7/);
    assert.match(said, /remove node_modules and install again/);
  });
});
