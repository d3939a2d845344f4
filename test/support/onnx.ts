/**
 * Tiny ONNX graphs for tests, encoded by hand from onnx.proto (onnx 1.16, Apache-2.0): field numbers and wire types stand beside what
 * they are. Only tests write ONNX.
 */
const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) | 128);
  }
};
/** Wire type 0. */
const int = (field: number, value: number) => Buffer.from([...varint(field * 8), ...varint(value)]);
/** Wire type 2: a message, a text, raw bytes. */
const bytes = (field: number, value: Uint8Array | string) => {
  const body = Buffer.from(value);
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(body.length)]), body]);
};

const types = { float32: 1, uint8: 2, int32: 6, int64: 7 } as const;
type Type = keyof typeof types;

/** ValueInfoProto: name 1, type 2 → tensor_type 1 → elem_type 1, shape 2 → dim 1 → dim_value 1. */
const port = (name: string, type: Type, shape: readonly number[]) => {
  const dims = shape.map((size) => bytes(1, int(1, size)));
  const tensor = Buffer.concat([int(1, types[type]), bytes(2, Buffer.concat(dims))]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, tensor))]);
};

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
const tensor = (name: string, type: Type, shape: readonly number[], raw: Uint8Array) =>
  Buffer.concat([...shape.map((size) => int(1, size)), int(2, types[type]), bytes(8, name), bytes(9, raw)]);

/** AttributeProto of an integer: name 1, i 3, type 20 (INT = 2). */
const intAttribute = (name: string, value: number) => Buffer.concat([bytes(1, name), int(3, value), int(20, 2)]);

/** NodeProto: input 1, output 2, op_type 4, attribute 5. */
const node = (op: string, inputs: readonly string[], output: string, attributes: readonly Buffer[] = []) =>
  Buffer.concat([
    ...inputs.map((name) => bytes(1, name)),
    bytes(2, output),
    bytes(4, op),
    ...attributes.map((attribute) => bytes(5, attribute)),
  ]);

/** ModelProto: ir_version 1, graph 7 (node 1, name 2, initializer 5, input 11, output 12), opset_import 8 (domain 1, version 2). */
const model = (parts: {
  readonly nodes: readonly Buffer[];
  readonly initializers: readonly Buffer[];
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
}) => {
  const graph = Buffer.concat([
    ...parts.nodes.map((one) => bytes(1, one)),
    bytes(2, 'g'),
    ...parts.initializers.map((one) => bytes(5, one)),
    ...parts.inputs.map((one) => bytes(11, one)),
    ...parts.outputs.map((one) => bytes(12, one)),
  ]);
  return Buffer.concat([int(1, 8), bytes(7, graph), bytes(8, Buffer.concat([bytes(1, ''), int(2, 17)]))]);
};

export const floats = (...values: readonly number[]): Buffer => {
  const raw = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) raw.writeFloatLE(value, at * 4);
  return raw;
};

/** y = x + c: four pixels in (uint8), four float32 out. */
export const addGraph = (c: number): Buffer =>
  model({
    nodes: [node('Cast', ['x'], 'f', [intAttribute('to', types.float32)]), node('Add', ['f', 'c'], 'y')],
    initializers: [tensor('c', 'float32', [1], floats(c))],
    inputs: [port('x', 'uint8', [4])],
    outputs: [port('y', 'float32', [4])],
  });

/** The same ports, and minutes of work: a matrix of `side`² is multiplied with itself `times` times before its product with x. */
export const endlessGraph = (side = 2500, times = 400): Buffer => {
  const sizes = Buffer.alloc(16);
  sizes.writeBigInt64LE(BigInt(side), 0);
  sizes.writeBigInt64LE(BigInt(side), 8);
  const products = Array.from({ length: times }, (_, at) => node('MatMul', [`m${at}`, `m${at}`], `m${at + 1}`));
  return model({
    nodes: [
      node('ConstantOfShape', ['sizes'], 'm0'),
      ...products,
      node('ReduceMax', [`m${times}`], 'most'),
      node('Reshape', ['most', 'one'], 'flat'),
      node('Cast', ['x'], 'f', [intAttribute('to', types.float32)]),
      node('Add', ['f', 'flat'], 'y'),
    ],
    initializers: [
      tensor('sizes', 'int64', [2], sizes),
      tensor('one', 'int64', [1], Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])),
    ],
    inputs: [port('x', 'uint8', [4])],
    outputs: [port('y', 'float32', [4])],
  });
};
