/** The names of the events of rolls, and how many there may be: all that the threads of the databases need, which load no schemas. */

/** A roll begins; the one before it ends. */
export const begunEvent = 'roll_begun';
/** A stretch of the roll that was looked at, or was not. */
export const lookedEvent = 'roll_looked';
/** A fault that is there when a roll begins goes on in it. */
export const goesOnEvent = 'fabric_finding_goes_on';
export const findingEvent = 'fabric_finding';
export const refinedEvent = 'fabric_finding_refined';

/** In the order of the index of the journal (`agent/store/schema.ts`). */
export const rollEvents = [findingEvent, goesOnEvent, refinedEvent, begunEvent, lookedEvent] as const;

/** Faults of one roll that are kept; more are counted. Four points a metre are reached long before. */
export const mostFaults = 5_000;
