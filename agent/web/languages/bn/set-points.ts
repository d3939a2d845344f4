/** What a maintainer may write to a machine. */
import type { Translation } from '../translation.ts';
import type { setPoints as english } from '../en/set-points.ts';

export const setPoints: Translation<typeof english> = {
  'set-points.title': 'নির্ধারিত মান',
  'set-points.asking': 'মেশিন থেকে জানা হচ্ছে…',
  'set-points.unreadable': 'পড়া যায় না',
  'set-points.unknown': 'অজানা মান',
  'set-points.on': 'চালু',
  'set-points.off': 'বন্ধ',
  'set-points.range': '{low} থেকে {high}',
  'set-points.change': 'বদলান',
  'set-points.change-at': 'বদলান: {machine}, {title}',
  'set-points.taken-back': 'ফিরিয়ে নেওয়া হয়েছে। কিছু পাঠানো হয়নি।',
  'set-points.new-value': 'নতুন মান',
  'set-points.why': 'কেন',
  'set-points.propose': 'প্রস্তাব দিন',
  'set-points.cancel': 'বাতিল',
  'set-points.from-to': '{title}: {from} → {to}',
  'set-points.within': '{seconds} সেকেন্ডের মধ্যে নিশ্চিত করুন।',
  'set-points.too-late': 'এক মিনিট শেষ। আবার প্রস্তাব দিন।',
  'set-points.value-again': 'নতুন মান আবার',
  'set-points.your-password': 'আপনার পাসওয়ার্ড',
  'set-points.writing': 'লেখা হচ্ছে…',
  'set-points.write': 'মেশিনে লিখুন',
  'set-points.take-back': 'ফিরিয়ে নিন',
  'set-points.because': '({reason})',
  'set-points.written': 'লেখা হয়েছে। মেশিনে এখন {has}।',
  'set-points.refused': 'মেশিন প্রত্যাখ্যান করেছে{because}। এখন আছে {has}।',
  'set-points.not-known': 'মেশিন করেছে কি না জানা যায়নি{because}। আবার পাঠানো হয়নি। এরপর মেশিনে ছিল {has}।',
  'set-points.not-sent': 'কিছু পাঠানো হয়নি{because}।',
  'set-points.dropped': 'বাতিল হয়েছে{because}। কিছু পাঠানো হয়নি।',
};
