/** Teaching the eye the cloth of a machine. */
import type { Translation } from '../translation.ts';
import type { cloth as english } from '../en/cloth.ts';

export const cloth: Translation<typeof english> = {
  'cloth.title': 'কাপড়',
  'cloth.unknown': 'চোখকে এখনো {fabric} দেখানো হয়নি: এতে সে ত্রুটি খুঁজে পায় না।',
  'cloth.known-one': 'চোখ {fabric} চেনে: সংস্করণ {version}, {time}-এ ১টি ছবি থেকে শেখানো।',
  'cloth.known-many': 'চোখ {fabric} চেনে: সংস্করণ {version}, {time}-এ {count}টি ছবি থেকে শেখানো।',
  'cloth.starting': 'শুরু হচ্ছে…',
  'cloth.first-picture': '{of}টি ছবির প্রথমটির অপেক্ষায়…',
  'cloth.picture': 'ছবি {picture}, মোট {of}',
  'cloth.all-taken': '{of}টি ছবিই তোলা হয়েছে। সেগুলো থেকে শেখা হচ্ছে…',
  'cloth.learned-one': '১টি ছবি থেকে সংস্করণ {version} শেখা হয়েছে, সীমা {threshold}। কয়েক সেকেন্ডে চোখ তা ব্যবহার করবে।',
  'cloth.learned-many':
    '{count}টি ছবি থেকে সংস্করণ {version} শেখা হয়েছে, সীমা {threshold}। কয়েক সেকেন্ডে চোখ তা ব্যবহার করবে।',
  'cloth.not-learned-from': 'যেগুলো থেকে শেখা হয়নি:',
  'cloth.stop': 'থামান',
  'cloth.stop-at': 'শেখানো থামান: {machine}',
  'cloth.teach': 'এই কাপড় শেখান',
  'cloth.teach-at': 'এই কাপড় শেখান: {machine}',
  'cloth.teach-fabric': '{fabric} শেখান',
  'cloth.only-good': 'এখন শুধু ভালো কাপড় চলতে হবে।',
  'cloth.takes-for-good': 'চোখ যা দেখে তাকেই ত্রুটিহীন {fabric} বলে ধরে নেয়।',
  'cloth.teach-now': 'শুধু ভালো কাপড় চলছে: শেখান',
  'cloth.cancel': 'বাতিল',
};
