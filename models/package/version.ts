/**
 * Versions of model packages and their order: Semantic Versioning 2.0.0 without build metadata, because two versions that rank the
 * same would have two names. Pure.
 */
const versionPattern =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-((?:0|[1-9]\d{0,8}|\d*[a-z-][0-9a-z-]*)(?:\.(?:0|[1-9]\d{0,8}|\d*[a-z-][0-9a-z-]*))*))?$/;

/** At most 40 characters, lower case: a version is the name of a folder too. */
export function isVersion(text: string): boolean {
  return text.length <= 40 && versionPattern.test(text);
}

/**
 * Below 0 when `a` is older than `b`, 0 when they are the same, above 0 when it is newer (semver.org, clause 11). Both must be versions.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (const [at, number] of left.numbers.entries()) {
    const other = right.numbers[at] ?? 0;
    if (number !== other) return number - other;
  }
  // A version with a pre-release is older than the one without.
  if (left.pre.length === 0 || right.pre.length === 0) return right.pre.length - left.pre.length;
  for (const [at, word] of left.pre.entries()) {
    const other = right.pre[at];
    // Of two that agree so far the one with more words is newer.
    if (other === undefined) return 1;
    const order = compareWords(word, other);
    if (order !== 0) return order;
  }
  return left.pre.length - right.pre.length;
}

/** Numbers go by their size and before words, words by their characters. */
function compareWords(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOtherNumber) return Number(a) - Number(b);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function partsOf(version: string): { readonly numbers: readonly number[]; readonly pre: readonly string[] } {
  const dash = version.indexOf('-');
  const core = dash < 0 ? version : version.slice(0, dash);
  return { numbers: core.split('.').map(Number), pre: dash < 0 ? [] : version.slice(dash + 1).split('.') };
}
