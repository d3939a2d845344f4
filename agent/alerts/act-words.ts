/** What people say an alert came from and what they did about it: short lists, so that they can be counted. Words for them are in the page. */
export const closingCauses = [
  'needle',
  'thread',
  'bobbin',
  'machine-setting',
  'mechanical-part',
  'electrical',
  'material',
  'operator',
  'false-alarm',
  'other',
] as const;
export type ClosingCause = (typeof closingCauses)[number];

export const closingActions = [
  'replaced-needle',
  'rethreaded',
  'adjusted',
  'cleaned',
  'oiled',
  'replaced-part',
  'restarted',
  'called-supplier',
  'nothing',
  'other',
] as const;
export type ClosingAction = (typeof closingActions)[number];

/** Characters of a comment. */
export const mostComment = 500;
