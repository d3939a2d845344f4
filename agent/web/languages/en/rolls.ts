/** The rolls of a machine, and the map of one of them. */
export const rolls = {
  'rolls.title': 'Roll map',
  'rolls.none': 'No roll yet: the camera has seen no cloth.',
  'rolls.roll': 'Roll',
  'rolls.since': '{id}, since {time}',
  'rolls.since-on-machine': '{id}, since {time} (on the machine)',
  'rolls.map': 'Faults of roll {id} along its metres, with its score',
  'rolls.picture': 'Picture',
  'rolls.table': 'Table (CSV)',
  'rolls.data': 'Data (JSON)',
  'rolls.next-name': 'Name of the next roll (may stay empty)',
  'rolls.begin': 'The cloth was cut: a roll begins',
} as const;
