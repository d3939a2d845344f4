/** The text of a profile of lines, for tests of what stands in its `line` and `signals`. */

/** `line` are the fields of `line:` beside `expectEveryMs`, `signals` the lines below `signals:`, indented by two. */
export function lineProfileText(line: string, signals: string): string {
  return `
profile: x
version: 1
title: x
kind: other
protocol: line
verified: false
source: [x]
line: { ${line}, expectEveryMs: 100 }
signals:
${signals}
states: [{ state: IDLE }]
`;
}
