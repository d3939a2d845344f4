/** What the doctor says: one check a line, each failure with its cure. Pure. */
export interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do; null when all is well. */
  readonly cure: string | null;
}

export interface Report {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

export const good = (id: string, detail: string): Check => ({ id, ok: true, detail, cure: null });
export const bad = (id: string, detail: string, cure: string): Check => ({ id, ok: false, detail, cure });

export function reportOf(checks: readonly Check[]): Report {
  return { ok: checks.every((check) => check.ok), checks };
}

/** 0 all is well, 1 a check failed, 2 the configuration itself cannot be used (as `selvedge check` has it). */
export function exitCodeOf({ ok, checks }: Report): 0 | 1 | 2 {
  if (ok) return 0;
  return checks.some((check) => check.id === 'config' && !check.ok) ? 2 : 1;
}

/** One check as one line. Names and paths come from files, so no control character of theirs reaches the terminal. */
export function lineOf({ id, ok, detail, cure }: Check): string {
  const said = `${ok ? 'ok  ' : 'FAIL'} ${id}  ${detail}`;
  return (cure === null ? said : `${said} — do: ${cure}`).replaceAll(/\p{C}/gu, '?');
}
