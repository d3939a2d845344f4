/** Factors of covariances: square matrices row by row. Pure. */

/** The lower factor of a symmetric matrix of which the lower triangle is given. A pivot that rounding made negative is held at little. */
export function choleskyOf(matrix: Float64Array, size: number): Float64Array {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = matrix[i * size + j] ?? 0;
      for (let k = 0; k < j; k += 1) sum -= (factor[i * size + k] ?? 0) * (factor[j * size + k] ?? 0);
      factor[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-9)) : sum / (factor[j * size + j] ?? 1);
    }
  }
  return factor;
}

/** The inverse of a lower triangular matrix. */
export function invertLower(factor: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let column = 0; column < size; column += 1) {
    inverse[column * size + column] = 1 / (factor[column * size + column] ?? 1);
    for (let i = column + 1; i < size; i += 1) {
      let sum = 0;
      for (let k = column; k < i; k += 1) sum += (factor[i * size + k] ?? 0) * (inverse[k * size + column] ?? 0);
      inverse[i * size + column] = -sum / (factor[i * size + i] ?? 1);
    }
  }
  return inverse;
}
