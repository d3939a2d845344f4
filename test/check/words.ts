/** Words that must not stand in the repository. The patterns are put together here, so that this file passes itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './files.ts';

interface Rule {
  readonly words: readonly string[];
  readonly why: string;
  /** Files in which the words may stand. */
  readonly except: readonly string[];
}

const host = (...parts: readonly string[]) => parts.join('.');

const rules: readonly Rule[] = [
  {
    // A registry host in a lockfile or script makes installs fail behind a mirror.
    words: [
      host('registry', 'npmjs', 'org'),
      host('registry', 'yarnpkg', 'com'),
      host('npm', 'pkg', 'github', 'com'),
      host('pypi', 'org'),
      host('files', 'pythonhosted', 'org'),
      host('proxy', 'golang', 'org'),
      host('crates', 'io'),
      host('deb', 'debian', 'org'),
    ],
    why: 'is the host of a package registry; installs go through whatever the computer is set up for',
    except: [],
  },
  {
    words: [['..', 'shared'].join('/')],
    why: 'lies outside the repository',
    except: ['.ci/run'],
  },
];

/** Every forbidden word, as `file:line: what`. */
export function wordProblems(files: readonly string[]): readonly string[] {
  return files.flatMap((file) => {
    const bytes = readFileSync(join(repository, file));
    // Pictures and other binary files hold a zero byte early on.
    return bytes.subarray(0, 8000).includes(0) ? [] : wordsIn(file, bytes.toString('utf8'));
  });
}

/** Forbidden words of one text. */
export function wordsIn(file: string, text: string): readonly string[] {
  return rules
    .filter((rule) => !rule.except.includes(file))
    .flatMap((rule) =>
      rule.words.flatMap((word) => {
        const at = text.indexOf(word);
        return at < 0 ? [] : [`${file}:${text.slice(0, at).split('\n').length}: ${word} ${rule.why}`];
      }),
    );
}
