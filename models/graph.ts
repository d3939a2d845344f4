/** What goes into a graph and comes out of it, whatever runs it; `runtime.ts` is one that does. */

export type TensorLike =
  | { readonly type: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly type: 'uint8'; readonly dims: readonly number[]; readonly data: Uint8Array };

export interface FloatTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface Graph {
  /** @param wanted the outputs to hand over; the others are not copied out */
  run(feeds: Readonly<Record<string, TensorLike>>, wanted: readonly string[]): Promise<Record<string, FloatTensor>>;
}
