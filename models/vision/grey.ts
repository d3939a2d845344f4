/** A grey image as the eye takes it: one byte a pixel, row by row from the top left. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  /** width × height bytes. */
  readonly pixels: Uint8Array;
}

/** A rectangle in pixels; `right` and `bottom` lie just outside. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
