/** Name of the events whose data name an evidence file (`evidenceData` of the wire contract). */
export const evidenceEvent = 'evidence';
