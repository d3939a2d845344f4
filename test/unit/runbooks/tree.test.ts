import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lexer } from 'marked';
import {
  maxDepth,
  maxNodes,
  plainTree,
  safeHref,
  treeOf,
  type Block,
  type Inline,
} from '../../../agent/runbooks/tree.ts';
import { treeSchema } from '../../../agent/runbooks/tree-schema.ts';

const parse = (markdown: string) => treeOf(lexer(markdown));
const text = (words: string): Inline => ({ kind: 'text', text: words });

test('headings, paragraphs, lists and what is in them become nodes', () => {
  assert.deepEqual(parse('# Oil *low*\n\nFill **up**,\nthen `wait`.\n\n1. One\n2. Two\n   - a\n'), [
    { kind: 'heading', level: 1, children: [text('Oil '), { kind: 'em', children: [text('low')] }] },
    {
      kind: 'paragraph',
      children: [
        text('Fill '),
        { kind: 'strong', children: [text('up')] },
        text(', then '),
        { kind: 'code', text: 'wait' },
        text('.'),
      ],
    },
    {
      kind: 'list',
      ordered: true,
      start: 1,
      items: [
        [{ kind: 'paragraph', children: [text('One')] }],
        [
          { kind: 'paragraph', children: [text('Two')] },
          { kind: 'list', ordered: false, start: 1, items: [[{ kind: 'paragraph', children: [text('a')] }]] },
        ],
      ],
    },
  ]);
});

test('HTML, tables, pictures and code blocks are plain text', () => {
  for (const markdown of [
    '<script>alert(1)</script>',
    'a <img src=x onerror=alert(1)> b',
    '| a | b |\n|---|---|\n| 1 | 2 |',
    '![x](http://h/x.png)',
    '```\n<b>\n```',
    '> quoted',
    '---',
  ]) {
    const tree = parse(markdown);
    const words = JSON.stringify(tree);
    assert.ok(!words.includes('"link"'), markdown);
    assert.deepEqual(
      tree.map(({ kind }) => kind),
      ['paragraph'],
      markdown,
    );
  }
});

test('a link leads to http, https or the page itself', () => {
  for (const href of [
    'https://example.org/a?b=c',
    'HTTP://example.org',
    '#/runbooks/oil_low',
    '/api/health',
    'a/b.md',
  ]) {
    assert.equal(safeHref(href), href);
  }
  for (const href of [
    '',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    ' javascript:alert(1)',
    '\u0001javascript:alert(1)',
    'data:text/html,x',
    'mailto:a@b',
    'vbscript:x',
    '//evil.example',
    '/\\evil.example',
    'https:evil',
    'http://',
    'blob:x',
  ]) {
    assert.equal(safeHref(href), null, href);
  }
  assert.deepEqual(parse('[a](javascript:alert%281%29)'), [
    { kind: 'paragraph', children: [text('[a](javascript:alert%281%29)')] },
  ]);
});

function depthOf(nodes: readonly (Block | Inline)[]): number {
  return nodes.reduce((deepest, node) => Math.max(deepest, 1 + Math.max(0, ...below(node).map(depthOf))), 0);
}
function countOf(nodes: readonly (Block | Inline)[]): number {
  return nodes.reduce((sum, node) => sum + 1 + below(node).reduce((all, more) => all + countOf(more), 0), 0);
}
function below(node: Block | Inline): readonly (readonly (Block | Inline)[])[] {
  if ('items' in node) return node.items;
  return 'children' in node ? [node.children] : [];
}

const pieces = [
  '# ', '* ', '1. ', '  ', '\n', '\n\n', '**', '*', '_', '`', '```\n', '[', '](', ')', '![', '<', '>', '&#106;', '&colon;',
  'javascript:', 'JAVASCRIPT&#58;', 'data:', '//', 'http://h', '<a href="javascript:alert(1)">', '<script>', '</script>', '|---|',
  'onerror=', '\u202e', '\u0000', '\t', 'x', '[a]: javascript:x\n', '<javascript:alert(1)>', '\\', '~~', '- [ ] ', 'বাংলা',
]; // prettier-ignore
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 80 }).map((all) => all.join('')),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

test('whatever the text, every node is of the tree, no link leads to a script, and the bounds hold', () => {
  fc.assert(
    fc.property(hostile, (markdown) => {
      const tree = parse(markdown);
      assert.ok(treeSchema.safeParse(tree).success, JSON.stringify(tree));
      assert.doesNotMatch(JSON.stringify(tree), /"href":"\s*(?:javascript|data|vbscript)/i);
      assert.ok(depthOf(tree) <= maxDepth + 2);
      assert.ok(countOf(tree) <= maxNodes);
    }),
    { numRuns: 2_000 },
  );
});

test('a text with more than the bounds is cut there', () => {
  const long = parse(Array.from({ length: 3 * maxNodes }, (_, i) => `- ${i}`).join('\n'));
  assert.ok(countOf(long) <= maxNodes);
  const deep = parse(Array.from({ length: 60 }, (_, i) => `${'  '.repeat(i)}- x`).join('\n'));
  assert.ok(depthOf(deep) <= maxDepth + 2, String(depthOf(deep)));
});

test('tokens nobody knows, and a text without tokens, are plain text', () => {
  assert.deepEqual(treeOf([{ type: 'new-thing', raw: '<b>x</b>' }]), plainTree('<b>x</b>'));
  assert.deepEqual(plainTree('a\nb'), [{ kind: 'paragraph', children: [text('a b')] }]);
});
