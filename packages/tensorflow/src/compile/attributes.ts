import { LockstepError } from '@lockstep/protocol'
import type { Attribute, Attributes, DataType } from './graph.ts'
import type { NativeBinding, OperationAttribute } from './tfjs-node-backend.ts'

/** TensorFlow's numbers for data types, from its types.proto. */
export const dataTypeNumbers: Readonly<Record<DataType, number>> = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  bool: 10,
  bfloat16: 14,
}

/** Throws LockstepError `compile-unsupported` for types that lockstep does not support, such as strings. */
export function dataTypeOf(number: number): DataType {
  for (const [name, value] of Object.entries(dataTypeNumbers)) {
    if (value === number) return name as DataType
  }
  throw new LockstepError('compile-unsupported', `tensors of TensorFlow's type ${number} cannot be compiled`, {
    expected: Object.keys(dataTypeNumbers).join(', '),
  })
}

/** Converts the attributes that tfjs-node passes to an operation into those of a graph node. */
export function toAttributes(binding: NativeBinding, attributes: readonly OperationAttribute[]): Attributes {
  return Object.fromEntries(attributes.map(attribute => [attribute.name, toAttribute(binding, attribute)]))
}

function toAttribute(binding: NativeBinding, { name, type, value }: OperationAttribute): Attribute {
  switch (type) {
    case binding.TF_ATTR_TYPE:
      return { kind: 'type', value: dataTypeOf(value as number) }
    case binding.TF_ATTR_BOOL:
      return { kind: 'bool', value: Boolean(value) }
    case binding.TF_ATTR_STRING:
      return { kind: 'string', value: String(value) }
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? { kind: 'ints', value } : { kind: 'int', value: Number(value) }
    case binding.TF_ATTR_FLOAT:
      return Array.isArray(value) ? { kind: 'floats', value } : { kind: 'float', value: Math.fround(Number(value)) }
    case binding.TF_ATTR_SHAPE:
      return { kind: 'shape', value: value as readonly number[] }
    default:
      throw new RangeError(`attribute ${name} has the unknown type ${type}`)
  }
}
