/**
 * Texts of the page that people read stand in its catalogues (`agent/web/languages`), so that each is in every language. This
 * finds those that stand in the markup itself, and what is wrong with the catalogues.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vite';
import { pageTextProblems } from '../../agent/web/catalogue-problems.ts';
import { repository } from './files.ts';

/** The same in every language, with the reason. */
const allowed: Readonly<Record<string, string>> = {
  Selvedge: 'the name of the product',
  'selvedge user setup-link': 'what is typed into a terminal',
};

/** Attributes that are read out or shown; those of our own components that become such among them. */
const spokenAttributes: ReadonlySet<string> = new Set([
  'alt',
  'aria-description',
  'aria-label',
  'aria-roledescription',
  'aria-valuetext',
  'hint',
  'label',
  'placeholder',
  'summary',
  'text',
  'title',
]);

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/** Every literal text for people in the markup of a source, as `file:line: "text"`. */
export function markupTexts(file: string, source: string): readonly string[] {
  const found: string[] = [];
  const note = (node: Node, text: string): void => {
    const shown = text.replaceAll(/\s+/g, ' ').trim();
    if (!/\p{L}/u.test(shown) || Object.hasOwn(allowed, shown)) return;
    // A text of several lines begins where its first word does.
    const start = node.start + (node.type === 'JSXText' ? text.length - text.trimStart().length : 0);
    found.push(`${file}:${source.slice(0, start).split('\n').length}: "${shown}" stands in no catalogue`);
  };
  /** What an expression shows: both ways of a choice, the fixed parts of a template. Not what is handed to a call. */
  const shown = (value: unknown): void => {
    if (!isNode(value)) return;
    switch (value.type) {
      case 'Literal':
        if (typeof value['value'] === 'string') note(value, value['value']);
        return;
      case 'TemplateLiteral': {
        const parts = value['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
        note(value, parts.map((part) => part.value.cooked).join(' '));
        return;
      }
      case 'ConditionalExpression':
        shown(value['consequent']);
        shown(value['alternate']);
        return;
      case 'LogicalExpression':
      case 'BinaryExpression':
        if (value.type === 'LogicalExpression' || value['operator'] === '+') {
          shown(value['left']);
          shown(value['right']);
        }
        return;
      case 'JSXExpressionContainer':
      case 'ParenthesizedExpression':
        shown(value['expression']);
    }
  };
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const one of value) walk(one);
      return;
    }
    if (!isNode(value)) return;
    if (value.type === 'JSXText') note(value, value['value'] as string);
    if (value.type === 'JSXAttribute') {
      const { name } = value['name'] as { readonly name: unknown };
      if (typeof name === 'string' && spokenAttributes.has(name)) shown(value['value']);
    }
    if (value.type === 'JSXElement' || value.type === 'JSXFragment')
      for (const child of value['children'] as readonly Node[])
        if (child.type === 'JSXExpressionContainer') shown(child);
    for (const field of Object.values(value)) walk(field);
  };
  walk(parseAst(source, { lang: 'tsx' }));
  return found;
}

/** Texts outside the catalogues, and texts a language lacks. */
export function pageTexts(files: readonly string[]): readonly string[] {
  return [
    ...files
      .filter((file) => /^agent\/web\/.*\.tsx$/.test(file))
      .flatMap((file) => markupTexts(file, readFileSync(join(repository, file), 'utf8'))),
    ...pageTextProblems().map((problem) => `agent/web/languages: ${problem}`),
  ];
}
