/** Every key of the English texts, and no other. */
export type Translation<English extends Readonly<Record<string, string>>> = Readonly<Record<keyof English, string>>;
