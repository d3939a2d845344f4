/** The runbooks as the page has them: what is shown for an alert, what there is, and what an admin changes in the site's folder. */
import { join } from 'node:path';
import { agentErrors } from '../errors.ts';
import { maxRunbookBytes, RunbookFiles } from './files.ts';
import { candidates, titleOf, type RunbookLanguage, type RunbookName, type RunbookOrigin } from './lookup.ts';
import { plainTree, type Block } from './tree.ts';
import { TreeReader } from './tree-reader.ts';

export interface Runbook {
  readonly type: string;
  /** null: it is for machines of any profile. */
  readonly profile: string | null;
  /** Of the text, which is English where nobody wrote it in the wanted one. */
  readonly language: RunbookLanguage;
  readonly from: RunbookOrigin;
  readonly markdown: string;
  readonly tree: readonly Block[];
}

/** One type, for one profile or any, with who wrote it in which language. */
export interface RunbookListed {
  readonly type: string;
  readonly profile: string | null;
  /** Its heading in the wanted language, else in English; null where it has none. */
  readonly title: string | null;
  readonly languages: readonly { readonly language: RunbookLanguage; readonly from: RunbookOrigin }[];
}

export type RunbookChange = 'done' | 'too-long' | 'too-many' | 'too-hard';

export interface RunbookDeskParts {
  readonly dataDir: string;
  readonly shippedDir?: string;
  readonly log: {
    info(data: object, message: string): void;
    warn(data: object, message: string): void;
  };
  readonly trees?: TreeReader;
}

export class RunbookDesk {
  readonly #files: Readonly<Record<RunbookOrigin, RunbookFiles>>;
  readonly #trees: TreeReader;
  readonly #log: RunbookDeskParts['log'];

  constructor({ dataDir, shippedDir = import.meta.dirname, log, trees = new TreeReader() }: RunbookDeskParts) {
    this.#log = log;
    this.#trees = trees;
    this.#files = {
      site: new RunbookFiles(join(dataDir, 'runbooks'), log),
      shipped: new RunbookFiles(shippedDir, log),
    };
  }

  /** What is shown; null where there is nothing. @param from only what is from there */
  async find(wanted: RunbookName, from: RunbookOrigin | null = null): Promise<Runbook | null> {
    const found = await this.#text(wanted, from);
    return found === null ? null : { ...found, tree: await this.#tree(found.markdown, found.type) };
  }

  /** The tree of a text that is being written; null where it is too long or cannot be taken apart. */
  preview = async (markdown: string): Promise<readonly Block[] | null> =>
    isTooLong(markdown) ? null : this.#trees.read(markdown);

  async list(language: RunbookLanguage): Promise<readonly RunbookListed[]> {
    const found = new Map<string, { name: RunbookName; languages: Map<RunbookLanguage, RunbookOrigin> }>();
    for (const from of ['shipped', 'site'] as const) {
      for (const name of await this.#files[from].list()) {
        const key = `${name.type} ${name.profile ?? ''}`;
        const known = found.get(key) ?? { name, languages: new Map<RunbookLanguage, RunbookOrigin>() };
        known.languages.set(name.language, from);
        found.set(key, known);
      }
    }
    const items: RunbookListed[] = [];
    for (const [, { name, languages }] of [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const { type, profile } = name;
      const text = await this.#text({ type, profile, language }, null);
      items.push({
        type,
        profile,
        title: text === null ? null : titleOf(text.markdown),
        languages: [...languages].map(([one, from]) => ({ language: one, from })),
      });
    }
    return items;
  }

  /**
   * Writes the site's own runbook; an empty text takes it away, so that what ships is shown again. Durable when resolved.
   * @throws AgentError `runbookUnwritable`
   */
  async change(name: RunbookName, markdown: string, by: string): Promise<RunbookChange> {
    if (isTooLong(markdown)) return 'too-long';
    const isEmpty = markdown.trim() === '';
    if (!isEmpty && (await this.#trees.read(markdown)) === null) return 'too-hard';
    const outcome = await this.#files.site.write(name, isEmpty ? null : markdown);
    const bytes = isEmpty ? 0 : Buffer.byteLength(markdown);
    if (outcome === 'done') {
      this.#log.info(
        { user: by, ...name, bytes },
        isEmpty ? 'a runbook of the site was taken back' : 'a runbook was changed',
      );
    }
    return outcome;
  }

  async #text(wanted: RunbookName, from: RunbookOrigin | null): Promise<Omit<Runbook, 'tree'> | null> {
    for (const one of candidates(wanted, from === null ? undefined : [from])) {
      const markdown = await this.#files[one.from].read(one.name);
      // An empty file is one that somebody is about to write.
      if (markdown !== null && markdown.trim() !== '') return { ...one.name, from: one.from, markdown };
    }
    return null;
  }

  async #tree(markdown: string, type: string): Promise<readonly Block[]> {
    const tree = await this.#trees.read(markdown);
    if (tree !== null) return tree;
    const { code, meaning, cure } = agentErrors.runbookTooHard;
    this.#log.warn({ code, type, cure }, meaning);
    return plainTree(markdown);
  }
}

const isTooLong = (markdown: string): boolean => Buffer.byteLength(markdown) > maxRunbookBytes;
