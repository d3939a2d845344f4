/** A shift: time by state, stops, counters, defects. */
import type { Translation } from '../translation.ts';
import type { shift as english } from '../en/shift.ts';

export const shift: Translation<typeof english> = {
  'shift.title': 'শিফট',
  'shift.day': 'সারা দিন',
  'shift.time': '{from} থেকে {to}',
  'shift.running': 'শিফট চলবে {to} পর্যন্ত; হিসাব {told} পর্যন্ত।',
  'shift.previous': 'আগের শিফট',
  'shift.next': 'পরের শিফট',
  'shift.current': 'এখনকার শিফট',
  'shift.print': 'প্রিন্ট করুন',
  'shift.csv': 'টেবিল (CSV)',
  'shift.adding-up': 'শিফটের হিসাব যোগ করা হচ্ছে…',
  'shift.none': 'কোনো মেশিন কনফিগার করা নেই, এই শিফটের কোনো তথ্যও নেই।',
  'shift.line-total': 'লাইনের সব মেশিন একসঙ্গে',
  'shift.states': 'অবস্থা অনুযায়ী সময়',
  'shift.stops': 'কারণ অনুযায়ী থামা',
  'shift.no-stops': 'একবারও থামেনি।',
  'shift.others': 'অন্যান্য কারণ',
  'shift.times': '{count} বার',
  'shift.cut':
    '≈ অজানা সময়ের মধ্যে {time} এমন ঘণ্টায় পড়ে, যা শুধু পুরো ঘণ্টা হিসেবে রাখা আছে এবং অন্য শিফটেও গিয়েছে। তখন যা হয়েছে, থামা ও গণনাসহ, এই হিসাবে নেই।',
  'shift.not-counted': 'এত বেশি যে গোনা যায়নি',
  'shift.counters': 'কাউন্টার',
  'shift.no-counters': 'কাউন্টারের কিছু জানা নেই।',
  'shift.defects': 'প্রতি ১০০ মিটারে কাপড়ের ত্রুটি',
  'shift.defects-of': '{metres} মিটার দেখে {found}টি পাওয়া গেছে',
  'shift.no-metres': 'অজানা: কোনো কাপড় দেখা হয়নি',
  'shift.too-much': 'অজানা: এত ঘটনা যে গোনা যায়নি',
  'shift.removed': 'কনফিগারেশনে নেই',
  'shift.site-time': 'সময় কারখানার স্থানীয় সময় ({zone})।',
};
