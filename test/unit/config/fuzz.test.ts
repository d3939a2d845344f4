import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { check, fullExampleText } from './support.ts';

/** Whatever comes in: no throw, and each complaint has a place inside the file and both halves of its sentence. */
function holds(text: string, overlay?: string): void {
  const result = check(text, overlay === undefined ? {} : { overlay });
  if ('config' in result) {
    assert.ok(Object.isFrozen(result.config));
    return;
  }
  assert.ok(result.issues.length > 0);
  for (const issue of result.issues) {
    const source = issue.file === '/run/endpoints.json' ? (overlay ?? '') : text;
    const lines = source.split(/\r\n|\n|\r/).length;
    assert.ok(issue.line >= 1 && issue.line <= Math.max(1, lines), `line ${issue.line} of ${lines}`);
    assert.ok(issue.column >= 1);
    assert.notEqual(issue.what, '');
    assert.notEqual(issue.right, '');
  }
}

const tree: unknown = parse(fullExampleText);

/** Paths of all members of the example. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, member]) =>
      pathsOf(member, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}
const paths = pathsOf(tree).filter((path) => path.length > 0);

function replaced(value: unknown, path: readonly (string | number)[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  // A name in a list makes a section of it: `length` of a real list would be no mistake of a file but one of this test.
  const isList = Array.isArray(value) && typeof step === 'number';
  const copy: unknown = isList ? [...(value as unknown[])] : { ...(value as object) };
  const members = copy as Record<string | number, unknown>;
  const inner = replaced(members[step], rest, by);
  if (inner === undefined && !Array.isArray(copy)) delete members[step];
  else members[step] = inner;
  return copy;
}

/** Text of any UTF-16 units, also halves of pairs and control characters. */
const anyText = (maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength }).map((units) => String.fromCharCode(...units));

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    0,
    -1,
    1e308,
    true,
    [],
    {},
    [[]],
    [null],
    'mqtt://',
    'file:',
    'env:',
    '__proto__',
  ),
  fc.jsonValue({ maxDepth: 2 }),
  anyText(20),
);

test('a value of any kind in any place never crashes the check', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), odd), { minLength: 1, maxLength: 4 }), (changes) => {
      const value = changes.reduce((at, [path, by]) => {
        try {
          return replaced(at, path, by);
        } catch {
          return at; // An earlier change took the place away.
        }
      }, tree);
      holds(stringify(value));
    }),
    { numRuns: 40 },
  );
});

test('a key of any name in any section never crashes the check', () => {
  const keys = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'length', '0', ''), fc.string());
  fc.assert(
    fc.property(fc.constantFrom(...paths), keys, odd, (path, key, by) =>
      holds(stringify(replaced(tree, [...path, key], by))),
    ),
    { numRuns: 40 },
  );
});

test('lines cut, doubled, shifted or spoilt never crash the check', () => {
  const lines = fullExampleText.split('\n');
  const at = fc.integer({ min: 0, max: lines.length - 1 });
  const change = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), at }),
    fc.record({ kind: fc.constant('double' as const), at }),
    fc.record({ kind: fc.constant('indent' as const), at }),
    fc.record({ kind: fc.constant('insert' as const), at, text: anyText(12) }),
    fc.record({
      kind: fc.constant('insert' as const),
      at,
      text: fc.constantFrom('\t', '"', '{', '[', '&a', '*a', '---', '...', '? ', ': ', '!!', '|', '>', '%', '<<: *a'),
    }),
  );
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const text = [...lines];
      for (const one of changes) {
        const line = text[one.at] ?? '';
        if (one.kind === 'cut') text.splice(one.at, 1);
        else if (one.kind === 'double') text.splice(one.at, 0, line);
        else if (one.kind === 'indent') text[one.at] = `   ${line}`;
        else text[one.at] = line + one.text;
      }
      holds(text.join('\n'));
    }),
    { numRuns: 40 },
  );
});

test('any text and any endpoints file never crash the check', () => {
  fc.assert(
    fc.property(anyText(100), fc.oneof(fc.json(), fc.string()), (text, overlay) => {
      holds(text);
      holds(fullExampleText, overlay);
    }),
    { numRuns: 30 },
  );
});

test('aliases that stand for billions of values are refused, not expanded', () => {
  const bomb = Array.from(
    { length: 12 },
    (_, i) =>
      `a${i}: &a${i} [${Array(9)
        .fill(i === 0 ? 'x' : `*a${i - 1}`)
        .join(', ')}]`,
  );
  holds(bomb.join('\n'));
  holds(`a: &a [*a]`);
  holds('['.repeat(2000));
  holds(`${'{a: '.repeat(500)}1${'}'.repeat(500)}`);
});
