/** Runbooks: what to do about an alert, in full, and how an admin changes it. */
import type { Translation } from '../translation.ts';
import type { runbooks as english } from '../en/runbooks.ts';

export const runbooks: Translation<typeof english> = {
  'runbooks.title': 'করণীয় নির্দেশিকা',
  'runbooks.what-to-do': 'কী করবেন',
  'runbooks.loading': 'নির্দেশিকা পড়া হচ্ছে…',
  'runbooks.rule-says': 'নিয়মে লেখা আছে:',
  'runbooks.of-site': 'এই কারখানার লেখা',
  'runbooks.shipped': 'Selvedge-এর সঙ্গে দেওয়া',
  'runbooks.other-language': 'এই নির্দেশিকা আপনার ভাষায় নেই। আপনি এটি {language} ভাষায় দেখছেন।',
  'runbooks.show-shipped': 'আপনার ভাষায় সঙ্গে দেওয়া নির্দেশিকা দেখান',
  'runbooks.show-site': 'এই কারখানার লেখাটি দেখান',
  'runbooks.for-profile': '{profile} প্রোফাইলের মেশিনের জন্য',
  'runbooks.all': 'সব নির্দেশিকা',
  'runbooks.hint': 'কোন সতর্কতায় কী করতে হবে। কারখানার নিজের লেখা সঙ্গে দেওয়া লেখার আগে দেখানো হয়।',
  'runbooks.edit': 'সম্পাদনা',
  'runbooks.editor': 'নির্দেশিকা সম্পাদনা: {title}',
  'runbooks.language': 'লেখার ভাষা',
  'runbooks.profile': 'কোন মেশিনের জন্য',
  'runbooks.any-profile': 'সব মেশিন',
  'runbooks.text': 'লেখা (Markdown, সর্বোচ্চ 64 kB)',
  'runbooks.preview': 'আগে দেখে নিন',
  'runbooks.save': 'এই কারখানার জন্য সংরক্ষণ',
  'runbooks.saving': 'সংরক্ষণ হচ্ছে…',
  'runbooks.take-back': 'ফিরিয়ে নিন, সঙ্গে দেওয়াটি আবার দেখান',
  'runbooks.close': 'বন্ধ করুন',
  'runbooks.saved': 'সংরক্ষিত হয়েছে। এখন থেকে এই পাতায় সবাই এটি দেখবে।',
  'runbooks.taken-back': 'ফিরিয়ে নেওয়া হয়েছে।',
  'runbooks.unsaved': 'আপনার লেখা সংরক্ষণ করা হয়নি। এর জায়গায় অন্য লেখাটি দেখাব?',
  'runbooks.give-up': 'হ্যাঁ, আমার লেখা বাদ দিন',
  'runbooks.stay': 'না, আমার লেখা রাখুন',
};
