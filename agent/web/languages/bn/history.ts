/** Alerts that are over. */
import type { Translation } from '../translation.ts';
import type { history as english } from '../en/history.ts';

export const history: Translation<typeof english> = {
  'history.title': 'আগের সতর্কতা',
  'history.show': 'যা শেষ হয়েছে দেখুন',
  'history.none': 'এখনো কিছু নেই।',
  'history.table': 'আগের সতর্কতার টেবিল',
  'history.since': 'কখন থেকে',
  'history.lasted': 'কতক্ষণ',
  'history.machine': 'মেশিন',
  'history.alert': 'সতর্কতা',
  'history.cause': 'কারণ',
  'history.more': 'আরও দেখুন',
};
