/** The part of the package that is used; it brings no types of its own. */
declare module 'qrcode-terminal' {
  const drawer: {
    generate(text: string, options: { readonly small: boolean }, done: (drawn: string) => void): void;
  };
  export default drawer;
}
