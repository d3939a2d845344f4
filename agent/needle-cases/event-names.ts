/** The names of the events of needle cases: all that the threads of the databases need, which load no schemas. */

/** A case begins: the first act of it. */
export const caseOpenedEvent = 'needle_case_opened';
/** Every later act. */
export const caseActEvent = 'needle_case_act';

/** Cases of a machine that the page shows; older ones stay in the journal as long as its ages say. */
export const mostCases = 20;
/** Acts of one case: more than its reducer takes (`case.ts`). */
export const mostActsOfAll = 400;
