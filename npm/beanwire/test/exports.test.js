'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const beanwire = require('..');
const { ROOT } = require('./support');

const NAMES = ['BeanwireError', 'Connection', 'Consumer', 'Job', 'Producer', 'startServer', 'version'];

test('CommonJS exports these names', () => {
  assert.deepEqual(Object.keys(beanwire).sort(), NAMES);
  assert.equal(beanwire.version, require('../package.json').version);
});

test('the module exports the same things under the same names', async () => {
  const module = await import('../index.mjs');
  assert.deepEqual(Object.keys(module).sort(), NAMES);
  for (const name of NAMES) {
    assert.equal(module[name], beanwire[name], name);
  }
});

test('the types have the same values', () => {
  const index = fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8');
  const exported = [...index.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) => list.match(/\w+/g));
  const values = [...types().matchAll(/^export (?:class|const|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(values.filter((name) => name === 'version' || exported.includes(name)).sort(), NAMES);
  assert.deepEqual(values.sort(), NAMES);
});

test('the types export all that they declare, but for the base class', () => {
  const index = fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8');
  const exported = [...index.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) => list.match(/\w+/g));
  const declared = [...types().matchAll(/^export (?:class|function|interface|type) (\w+)/gm)];
  assert.deepEqual(exported.sort(), [...new Set(declared.map(([, name]) => name))].sort());
});

test('the types have every method and property of every class', () => {
  for (const name of ['Connection', 'Consumer', 'Job', 'Producer']) {
    const { prototype } = beanwire[name];
    const own = Object.getOwnPropertyNames(prototype).filter((member) => member !== 'constructor');
    const kind = ['Connection', 'Producer'].includes(name) ? 'interface' : 'class';
    assert.deepEqual(membersOf(types(), `export ${kind} ${name}<`), own.sort(), name);
  }
  const common = Object.getOwnPropertyNames(Object.getPrototypeOf(beanwire.Producer.prototype));
  assert.deepEqual(
    membersOf(types(), 'export abstract class Client'),
    common.filter((member) => member !== 'constructor').sort(),
  );
});

test('the types have every method of the embedded server', async (t) => {
  const server = await beanwire.startServer();
  t.after(() => server.close());
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(server));
  assert.deepEqual(
    membersOf(types(), 'export interface Server '), own.filter((member) => member !== 'constructor').sort(),
  );
});

test('the types have every option', () => {
  const { message } = assertThrown(() => new beanwire.Producer('x', { nope: 1 }));
  const [, known] = /there are (.*)$/.exec(message);
  assert.deepEqual(membersOf(types(), 'export interface ClientOptions'), known.split(', ').sort());
});

/** All declarations, in one text. */
function types() {
  const lib = path.join(ROOT, 'lib');
  const names = fs.readdirSync(lib).filter((name) => name.endsWith('.d.ts'));
  const files = [path.join(ROOT, 'index.d.ts'), ...names.map((name) => path.join(lib, name))];
  return files.map((file) => fs.readFileSync(file, 'utf8')).join('\n');
}

function assertThrown(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('expected an exception');
}

/** The names of the members of a declaration. */
function membersOf(text, start) {
  const from = text.indexOf(start);
  assert.ok(from >= 0, start);
  const body = text.slice(from, text.indexOf('\n}\n', from));
  const names = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??(?:<\w[^>]*>)?[(:]/gm)].map(([, name]) => name);
  return [...new Set(names)].filter((name) => name !== 'constructor').sort();
}
