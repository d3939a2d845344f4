/** The signed-in page around its parts: the head, the connection, the announcements. */
import type { Translation } from '../translation.ts';
import type { floor as english } from '../en/floor.ts';

export const floor: Translation<typeof english> = {
  'floor.skip': 'এখনকার সমস্যায় যান',
  'floor.uplink-away': 'আপলিংক নেই, অপেক্ষায় থাকা রেকর্ড: {count}',
  'floor.sign-out': 'সাইন আউট',
  'floor.session-over': 'আপনার সেশন শেষ হয়ে গেছে। আবার সাইন ইন করুন।',
  'floor.title.no-connection': '(সংযোগ নেই)',
  'floor.machines': 'মেশিন',
  'floor.no-machine': 'কোনো মেশিন কনফিগার করা হয়নি।',
  'floor.times': 'সব সময় কারখানার স্থানীয় সময় ({zone})।',
  'floor.live': 'লাইভ',
  'floor.no-connection': 'সংযোগ নেই',
  'floor.connecting': 'সংযোগ হচ্ছে…',
  'floor.lost': 'গেটওয়ের সঙ্গে সংযোগ নেই {duration} ধরে।',
  'floor.old': 'যা দেখছেন তা পুরোনো, এখন অন্যরকম হতে পারে। আবার চেষ্টা চলছে…',
  'floor.new-alert': 'নতুন সতর্কতা, {machine}: {alert}',
  'floor.was': 'আগে ছিল: {word}',
  'role.admin': 'অ্যাডমিন',
  'role.maintainer': 'রক্ষণাবেক্ষণকারী',
  'role.viewer': 'দর্শক',
};
