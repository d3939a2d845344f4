/** The view of all machines by line, and the wall screen. */
import type { Translation } from '../translation.ts';
import type { floorView as english } from '../en/floor-view.ts';

export const floorView: Translation<typeof english> = {
  'floor-view.title': 'ফ্লোর',
  'floor-view.andon': 'দেয়ালের পর্দা',
  'floor-view.none': 'কোনো মেশিন কনফিগার করা নেই।',
  'floor-view.no-line': 'কোনো লাইনে নেই',
  'floor-view.since': '{time} থেকে গণনা করা।',
  'floor-view.adding-up': 'আজকের হিসাব যোগ করা হচ্ছে…',
  'floor-view.for': '{time} ধরে',
  'floor-view.was': 'আগে ছিল: {state}',
  'floor-view.today': 'আজকের {what}',
  'floor-view.unknown': 'অজানা',
  'floor-view.unknown-time': 'আজকের অজানা সময়',
  'floor-view.good-share': 'আজকের রিডিংয়ের {share} % ভালো',
  'floor-view.unread': '{time} থেকে পড়া যাচ্ছে না: {reason}',
  'floor-view.never-read': 'এখনও কোনো ভালো রিডিং নেই',
  'floor-view.old': '{time} থেকে কোনো ভালো রিডিং নেই',
  'floor-view.partly': '{of}টি রিডিংয়ের মধ্যে {count}টি ভালো নয়',
  'floor-view.alerts': 'খোলা সতর্কতা: {count}',
  'floor-view.alerts-urgent': 'খোলা সতর্কতা: {count}, জরুরি: {urgent}',
  'floor-view.page': 'পৃষ্ঠা {page} / {of}',
  'floor-view.lost': 'গেটওয়ের সঙ্গে সংযোগ নেই: যা দেখছেন তা পুরোনো।',
  'floor-view.more-urgent': 'আরও {count}টি জরুরি সতর্কতা',
};
