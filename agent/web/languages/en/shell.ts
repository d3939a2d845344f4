/** The frame of the page: its views and the choice of a language. */
export const shell = {
  'shell.views': 'Views',
  'shell.view.now': 'Now',
  'shell.language': 'Language',
  'shell.loading': 'Reading the floor…',
  'shell.not-loaded': 'This view could not be fetched. Load the page again.',
} as const;
