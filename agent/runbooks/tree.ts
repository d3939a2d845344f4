/**
 * A runbook as the page shows it: a small tree of what Markdown can say, made from the tokens of a lexer. Whatever is not in the type
 * below becomes plain text, HTML too, so that nothing of a file is ever a tag or a script.
 *
 * Invariants (test/unit/runbooks/tree.test.ts):
 *  T1  Every node is one of the schema, whatever the text; no more than `maxNodes` of them, and below `maxDepth` there is text alone.
 *  T2  A link leads to http, https or a place of the page itself.
 */
export const maxNodes = 4_000;
export const maxDepth = 8;

export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'strong' | 'em'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly children: readonly Inline[] };

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | {
      readonly kind: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly items: readonly (readonly Block[])[];
    };

/** A place a link may lead to; null: none. */
export function safeHref(href: string): string | null {
  // A browser passes over blanks and control characters within a scheme, and takes a backslash for a slash.
  if (href === '' || href.length > 2_000 || /[\p{Cc}\p{Zs}\\]/u.test(href)) return null;
  if (/^https?:\/\/[^/]/i.test(href)) return URL.canParse(href) ? href : null;
  return /^[^/]*:|^\/\//.test(href) ? null : href;
}

/** What is read of a token of the lexer. */
export interface LexerToken {
  readonly type: string;
  readonly raw: string;
  readonly text?: string;
  readonly tokens?: readonly LexerToken[];
  readonly items?: readonly LexerToken[];
  readonly depth?: number;
  readonly ordered?: boolean;
  readonly start?: number | '';
  readonly href?: string;
}

/** The tree of the tokens of a text. What is beyond the bounds is left out. */
export function treeOf(tokens: readonly LexerToken[]): readonly Block[] {
  return new TreeBuilder().blocks(tokens, 0);
}

/** A text of which there are no tokens, line by line. */
export function plainTree(text: string): readonly Block[] {
  return new TreeBuilder().plain(text);
}

class TreeBuilder {
  #left = maxNodes;

  blocks(tokens: readonly LexerToken[], depth: number): Block[] {
    return tokens.flatMap((token) => this.#block(token, depth));
  }

  plain(text: string): Block[] {
    return this.#take() ? [{ kind: 'paragraph', children: this.#lines(text) }] : [];
  }

  #take(): boolean {
    this.#left--;
    return this.#left >= 0;
  }

  #block(token: LexerToken, depth: number): Block[] {
    const { type, raw, tokens = [] } = token;
    if (type === 'space' || type === 'def') return [];
    if (depth >= maxDepth) return this.plain(raw);
    if (type === 'list') return this.#list(token, depth);
    if (type === 'paragraph' || (type === 'text' && tokens.length > 0)) {
      return this.#take() ? [{ kind: 'paragraph', children: this.#inlines(tokens, depth + 1) }] : [];
    }
    if (type === 'heading') {
      const level = Math.min(6, Math.max(1, token.depth ?? 1));
      return this.#take() ? [{ kind: 'heading', level, children: this.#inlines(tokens, depth + 1) }] : [];
    }
    return this.plain(raw);
  }

  #list({ ordered, start, items = [] }: LexerToken, depth: number): Block[] {
    if (!this.#take()) return [];
    const made: Block[][] = [];
    for (const item of items) {
      if (!this.#take()) break;
      made.push(this.blocks(item.tokens ?? [], depth + 1));
    }
    return [{ kind: 'list', ordered: ordered === true, start: typeof start === 'number' ? start : 1, items: made }];
  }

  #inlines(tokens: readonly LexerToken[], depth: number): Inline[] {
    return tokens.flatMap((token) => this.#inline(token, depth));
  }

  #inline({ type, raw, text = '', tokens, href = '' }: LexerToken, depth: number): Inline[] {
    if (depth >= maxDepth) return this.#lines(raw);
    switch (type) {
      case 'text':
        return tokens === undefined ? this.#lines(text) : this.#inlines(tokens, depth);
      case 'escape':
        return this.#lines(text);
      case 'codespan':
        return this.#take() ? [{ kind: 'code', text }] : [];
      case 'br':
        return this.#take() ? [{ kind: 'break' }] : [];
      case 'strong':
      case 'em':
        return this.#take() ? [{ kind: type, children: this.#inlines(tokens ?? [], depth + 1) }] : [];
      case 'link': {
        const safe = safeHref(href);
        if (safe === null) return this.#lines(raw);
        return this.#take() ? [{ kind: 'link', href: safe, children: this.#inlines(tokens ?? [], depth + 1) }] : [];
      }
      default:
        return this.#lines(raw);
    }
  }

  /** A line end within a paragraph is a blank, as Markdown has it. */
  #lines(text: string): Inline[] {
    const words = text.replaceAll(/\s*\n\s*/g, ' ');
    return words !== '' && this.#take() ? [{ kind: 'text', text: words }] : [];
  }
}
