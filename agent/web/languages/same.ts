/** Texts that may be the same in another language as in English, each with the reason. */
export const sameAsEnglish: Readonly<Record<string, string>> = {
  'alerts.about': 'names and their signs alone',
  'alerts.title-told': 'a title and what a machine said, in brackets',
  'machine.marked': 'two words that are texts themselves, and a colon',
  'needles.by-at': 'a name and a time',
  'set-points.because': 'a reason in brackets',
  'set-points.from-to': 'a name and two values',
  'sound.about': 'names and their signs alone',
  'sound.suspect': 'a fault, a percentage and a deed that are texts themselves',
  'sound.told-by': 'two texts and a colon',
  'times.day': 'a day and a time',
};
