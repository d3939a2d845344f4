/** A machine at a glance, and its readings. */
export const machine = {
  'machine.for': 'For {duration}',
  'machine.not-read': 'Not read since {time}: {reason}',
  'machine.never-read': 'No good reading yet',
  'machine.no-good-since': 'No good reading since {time}',
  'machine.unknown-code': '{signal} {code}: not in the profile. Look it up in the machine’s manual.',
  'machine.all-readings': 'All readings ({count})',
  'machine.profile': '{id} · profile {profile} · {protocol}',
  'machine.old': 'old',
  'machine.uncertain': 'uncertain',
  'machine.bad': 'bad',
  'machine.marked': '{mark}: {reason}',
  'machine.no-reading': 'no reading yet',
  'machine.yes': 'yes',
  'machine.no': 'no',
} as const;
