/** Whether the cloud hears from this gateway. */
import type { Translation } from '../translation.ts';
import type { uplink as english } from '../en/uplink.ts';

export const uplink: Translation<typeof english> = {
  'uplink.title': 'আপলিংক',
  'uplink.none': 'কোনো আপলিংক কনফিগার করা নেই: সব এই গেটওয়েতেই থাকে',
  'uplink.connected': 'সংযুক্ত',
  'uplink.not-connected': 'সংযুক্ত নয়',
  'uplink.for': '{duration} ধরে',
  'uplink.goes-on': 'এখানে সব চলতে থাকে; রেকর্ড রাখা হয়, সংযোগ ফিরলে পাঠানো হবে।',
  'uplink.waiting': 'অপেক্ষমাণ রেকর্ড',
  'uplink.oldest': 'সবচেয়ে পুরোনোটির অপেক্ষা',
  'uplink.delivered': 'পৌঁছেছে',
  'uplink.again': 'আবার পাঠানো',
  'uplink.refused': 'ব্রিজ প্রত্যাখ্যান করেছে',
};
