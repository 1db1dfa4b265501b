/**
 * What a `.tflite` file is written in: the operators that this engine knows, with the options each of them carries.
 * Reader (tflite.ts), checker (graph.ts) and the writer of test models all go by this one table.
 *
 * Source: tensorflow/compiler/mlir/lite/schema/schema.fbs, enums BuiltinOperator, BuiltinOptions, TensorType and the
 * tables named `…Options`; the field ids are the positions of the fields in those tables.
 */

/** schema.fbs, enum TensorType: the types that this engine meets; all others are refused by number. */
export const TensorType = { float32: 0, int32: 2, uint8: 3, int64: 4, int8: 9 } as const;

/** schema.fbs, enum Padding */
export const Padding = { same: 0, valid: 1 } as const;

/** schema.fbs, enum ActivationFunctionType: the fused ones that int8 kernels of TFLite apply. */
export const Activation = { none: 0, relu: 1, reluN1To1: 2, relu6: 3 } as const;

/** A scalar field of an options table: its id, its type in the file, and its value where it is absent. */
export type OptionField = readonly [id: number, type: 'int8' | 'int32' | 'bool' | 'float32', absent: number];

type OperatorSchema = {
  /** BuiltinOperator */
  readonly code: number;
  /** BuiltinOptions: type of the options table; 0 where the operator has none. */
  readonly options: number;
  readonly fields: Readonly<Record<string, OptionField>>;
};

const ACTIVATION = { activation: [0, 'int8', 0] } as const;
const CONVOLUTION = { padding: [0, 'int8', 0], strideX: [1, 'int32', 0], strideY: [2, 'int32', 0] } as const;
const POOL = {
  ...CONVOLUTION,
  filterX: [3, 'int32', 0],
  filterY: [4, 'int32', 0],
  activation: [5, 'int8', 0],
} as const;
const RESIZE_BILINEAR = { alignCorners: [2, 'bool', 0], halfPixelCenters: [3, 'bool', 0] } as const;

/** The operators this engine runs. */
export const OPERATORS = {
  ADD: { code: 0, options: 11, fields: ACTIVATION },
  AVERAGE_POOL_2D: { code: 1, options: 5, fields: POOL },
  CONCATENATION: { code: 2, options: 10, fields: { axis: [0, 'int32', 0], activation: [1, 'int8', 0] } },
  CONV_2D: {
    code: 3,
    options: 1,
    fields: {
      ...CONVOLUTION,
      activation: [3, 'int8', 0],
      dilationX: [4, 'int32', 1],
      dilationY: [5, 'int32', 1],
    },
  },
  DEPTHWISE_CONV_2D: {
    code: 4,
    options: 2,
    fields: {
      ...CONVOLUTION,
      depthMultiplier: [3, 'int32', 0],
      activation: [4, 'int8', 0],
      dilationX: [5, 'int32', 1],
      dilationY: [6, 'int32', 1],
    },
  },
  DEQUANTIZE: { code: 6, options: 38, fields: {} },
  FULLY_CONNECTED: {
    code: 9,
    options: 8,
    fields: {
      activation: [0, 'int8', 0],
      weightsFormat: [1, 'int8', 0],
      keepNumDims: [2, 'bool', 0],
    },
  },
  LOGISTIC: { code: 14, options: 0, fields: {} },
  MAX_POOL_2D: { code: 17, options: 5, fields: POOL },
  MUL: { code: 18, options: 21, fields: ACTIVATION },
  RELU: { code: 19, options: 0, fields: {} },
  RELU6: { code: 21, options: 0, fields: {} },
  RESHAPE: { code: 22, options: 17, fields: {} },
  RESIZE_BILINEAR: { code: 23, options: 15, fields: RESIZE_BILINEAR },
  SOFTMAX: { code: 25, options: 9, fields: { beta: [0, 'float32', 0] } },
  PAD: { code: 34, options: 22, fields: {} },
  PADV2: { code: 60, options: 43, fields: {} },
  MEAN: { code: 40, options: 27, fields: { keepDims: [0, 'bool', 0] } },
  STRIDED_SLICE: {
    code: 45,
    options: 32,
    fields: {
      beginMask: [0, 'int32', 0],
      endMask: [1, 'int32', 0],
      ellipsisMask: [2, 'int32', 0],
      newAxisMask: [3, 'int32', 0],
      shrinkAxisMask: [4, 'int32', 0],
      offset: [5, 'bool', 0],
    },
  },
  TRANSPOSE_CONV: { code: 67, options: 49, fields: { ...CONVOLUTION, activation: [3, 'int8', 0] } },
  RESIZE_NEAREST_NEIGHBOR: {
    code: 97,
    options: 74,
    fields: { alignCorners: [0, 'bool', 0], halfPixelCenters: [1, 'bool', 0] },
  },
  LEAKY_RELU: { code: 98, options: 75, fields: { alpha: [0, 'float32', 0] } },
  QUANTIZE: { code: 114, options: 89, fields: {} },
  HARD_SWISH: { code: 117, options: 91, fields: {} },
} as const satisfies Readonly<Record<string, OperatorSchema>>;

export type OperatorName = keyof typeof OPERATORS;

/** Values of an operator's options: booleans as 0 or 1. */
export type Options<Name extends OperatorName> = {
  readonly [Field in keyof (typeof OPERATORS)[Name]['fields']]: number;
};

const BY_CODE: ReadonlyMap<number, OperatorName> = new Map(
  (Object.keys(OPERATORS) as OperatorName[]).map((name) => [OPERATORS[name].code, name]),
);

/** Name of a BuiltinOperator number that this engine runs; undefined for the others. */
export function knownOperator(code: number): OperatorName | undefined {
  return BY_CODE.get(code);
}

/** All names of BuiltinOperator in the order of its numbers from 0, so that a refusal can say LSTM and not 16. */
const NAMES = [
  'ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP',
  'FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC',
  'LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX',
  'SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD',
  'UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE',
  'UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX',
  'DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER',
  'GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL',
  'LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND',
  'LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE',
  'RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N',
  'GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF',
  'WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL',
  'PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS',
  'HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE',
  'READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL',
  'GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2',
  'UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT',
]
  .join(' ')
  .split(' ');

/** Name of a BuiltinOperator number; numbers newer than the list give `operator code n`. */
export function operatorName(code: number): string {
  return NAMES[code] ?? `operator code ${code}`;
}
