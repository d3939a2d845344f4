/** A YAML (or JSON) file that remembers where everything stands, so that each complaint can name line and column. */
import { isAlias, isMap, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { Path } from './describe.ts';

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface SyntaxProblem extends Position {
  readonly what: string;
  readonly right: string;
}

export interface Source {
  readonly file: string;
  /** The file as plain data; null when it is empty or its syntax is broken. */
  readonly value: unknown;
  readonly syntax: readonly SyntaxProblem[];
  /** Where the value at `path` (or its key) stands; the nearest section above it when it is not there. */
  locate(path: Path, part: 'key' | 'value'): Position;
}

/** Texts of our own instead of the parser's: those can quote the line, and the line can hold a secret. */
const syntaxTexts: Readonly<Record<string, readonly [what: string, right: string]>> = {
  TAB_AS_INDENT: ['a tab is used to indent', 'spaces'],
  BAD_INDENT: ['the indentation does not fit the lines above', 'members of one section start in the same column'],
  DUPLICATE_KEY: ['this key stands twice in its section', 'each key once'],
  MISSING_CHAR: ['a quote, bracket or comma is missing', 'close what is opened; quote texts with special characters'],
  BAD_ALIAS: ['an alias names no anchor', 'an &anchor above its *alias; quote texts that start with * or &'],
  BAD_SCALAR_START: ['a text starts with a character that has a meaning in YAML', 'put the text in quotes'],
  BAD_DQ_ESCAPE: ['a text in double quotes has an unknown \\ escape', 'single quotes, or \\\\ for a backslash'],
  BLOCK_AS_IMPLICIT_KEY: ['a section starts on the line of its key', 'start it on the next line, indented'],
  MULTILINE_IMPLICIT_KEY: ['a key runs over several lines, or a colon is missing', 'key: value'],
  MULTIPLE_DOCS: ['the file holds several YAML documents', 'one document, without --- lines'],
  NON_STRING_KEY: ['a key is no plain text', 'a plain word as the key'],
  TAG_RESOLVE_FAILED: ['a tag (!…) is not known', 'no tags; quote texts that start with !'],
};

/** Reads text into a `Source`. Never throws, whatever the text. */
export function parseSource(file: string, text: string): Source {
  const lines = new LineCounter();
  const lastOffset = Math.max(0, text.trimEnd().length);
  const position = (offset: number): Position => {
    // Something left open is missed at the end; the last line with text on it is where a person looks.
    const found = lines.linePos(Math.max(0, Math.min(offset, lastOffset)));
    return { line: Math.max(1, found.line), column: Math.max(1, found.col) };
  };
  let doc: Document.Parsed;
  let value: unknown = null;
  const syntax: SyntaxProblem[] = [];
  try {
    doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', merge: false });
    // Behind a tab the parser guesses: one tab would give ten complaints, nine of them about lines that are right.
    const tabs = doc.errors.filter(({ code }) => code === 'TAB_AS_INDENT');
    for (const problem of tabs.length > 0 ? tabs : [...doc.errors, ...doc.warnings]) {
      const [what, right] = syntaxTexts[problem.code] ?? [
        'this is not YAML',
        'key: value lines and - lists, indented with spaces',
      ];
      syntax.push({ ...position(problem.pos[0]), what, right });
    }
    // A few nested aliases can stand for billions of values; the limit makes the conversion fail instead of the memory.
    if (syntax.length === 0) value = doc.toJS({ maxAliasCount: 1000 });
  } catch {
    const right = 'fewer levels and aliases, written out';
    syntax.push({ line: 1, column: 1, what: 'the file is nested too deep or its aliases expand too far', right });
    return { file, value: null, syntax, locate: () => ({ line: 1, column: 1 }) };
  }
  return {
    file,
    value,
    syntax,
    locate: (path, part) => position(offsetOf(doc, path, part)),
  };
}

/** Offset of the node at `path`, or of the deepest one on the way that exists. */
function offsetOf(doc: Document.Parsed, path: Path, part: 'key' | 'value'): number {
  let node: Node | null = resolve(doc, doc.contents);
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, step] of path.entries()) {
    const last = depth === path.length - 1;
    let next: Node | null = null;
    if (isMap<Node, Node | null>(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown }).value) === String(step));
      if (pair === undefined) return offset;
      next = pair.value;
      // An empty value has no place of its own worth pointing at; its key has.
      const target = (last && part === 'key') || next?.range === undefined ? pair.key : next;
      offset = target?.range?.[0] ?? offset;
    } else if (isSeq<Node>(node)) {
      next = node.items[Number(step)] ?? null;
      if (next === null) return offset;
      offset = next.range?.[0] ?? offset;
    } else {
      return offset;
    }
    node = resolve(doc, next);
  }
  return offset;
}

function resolve(doc: Document.Parsed, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(doc) ?? null) : node;
}
