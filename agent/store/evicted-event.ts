/** The event that tells what was removed or folded; its `note` is the number of the store's note. */
export const evictedEvent = 'data_evicted';
