/** Teaching the eye the cloth of a machine. */
export const cloth = {
  'cloth.title': 'Cloth',
  'cloth.unknown': 'The eye was not shown {fabric} yet: it finds no faults in it.',
  'cloth.known-one': 'The eye knows {fabric}: version {version}, taught {time} from 1 picture.',
  'cloth.known-many': 'The eye knows {fabric}: version {version}, taught {time} from {count} pictures.',
  'cloth.starting': 'Starting…',
  'cloth.first-picture': 'Waiting for the first picture of {of}…',
  'cloth.picture': 'Picture {picture} of {of}',
  'cloth.all-taken': 'All {of} pictures are taken. Learning from them…',
  'cloth.learned-one':
    'Learned as version {version} from 1 picture, threshold {threshold}. The eye uses it within seconds.',
  'cloth.learned-many':
    'Learned as version {version} from {count} pictures, threshold {threshold}. The eye uses it within seconds.',
  'cloth.not-learned-from': 'Not learned from:',
  'cloth.stop': 'Stop',
  'cloth.stop-at': 'Stop teaching: {machine}',
  'cloth.teach': 'Teach this cloth',
  'cloth.teach-at': 'Teach this cloth: {machine}',
  'cloth.teach-fabric': 'Teach {fabric}',
  'cloth.only-good': 'Only good cloth must be running now.',
  'cloth.takes-for-good': 'The eye takes what it sees for {fabric} without a fault.',
  'cloth.teach-now': 'Only good cloth is running: teach it',
  'cloth.cancel': 'Cancel',
} as const;
