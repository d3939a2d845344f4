/** The rolls of a machine, and the map of one of them. */
import type { Translation } from '../translation.ts';
import type { rolls as english } from '../en/rolls.ts';

export const rolls: Translation<typeof english> = {
  'rolls.title': 'রোলের মানচিত্র',
  'rolls.none': 'এখনো কোনো রোল নেই: ক্যামেরা কাপড় দেখেনি।',
  'rolls.roll': 'রোল',
  'rolls.since': '{id}, {time} থেকে',
  'rolls.since-on-machine': '{id}, {time} থেকে (মেশিনে আছে)',
  'rolls.map': 'রোল {id}-এর মিটার ধরে ত্রুটি ও স্কোর',
  'rolls.picture': 'ছবি',
  'rolls.table': 'টেবিল (CSV)',
  'rolls.data': 'ডেটা (JSON)',
  'rolls.next-name': 'পরের রোলের নাম (খালি রাখা যায়)',
  'rolls.begin': 'কাপড় কাটা হয়েছে: নতুন রোল শুরু',
};
