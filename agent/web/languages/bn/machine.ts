/** A machine at a glance, and its readings. */
import type { Translation } from '../translation.ts';
import type { machine as english } from '../en/machine.ts';

export const machine: Translation<typeof english> = {
  'machine.for': '{duration} ধরে',
  'machine.not-read': '{time} থেকে পড়া যাচ্ছে না: {reason}',
  'machine.never-read': 'এখনো ভালো রিডিং নেই',
  'machine.no-good-since': '{time} থেকে ভালো রিডিং নেই',
  'machine.unknown-code': '{signal} {code}: প্রোফাইলে নেই। মেশিনের ম্যানুয়ালে দেখুন।',
  'machine.all-readings': 'সব রিডিং ({count})',
  'machine.profile': '{id} · প্রোফাইল {profile} · {protocol}',
  'machine.old': 'পুরোনো',
  'machine.uncertain': 'অনিশ্চিত',
  'machine.bad': 'খারাপ',
  'machine.marked': '{mark}: {reason}',
  'machine.no-reading': 'এখনো রিডিং নেই',
  'machine.yes': 'হ্যাঁ',
  'machine.no': 'না',
};
