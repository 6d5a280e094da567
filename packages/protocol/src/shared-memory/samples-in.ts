import { type MessageOf, messageTensors, type Sizes } from '../messages.ts'
import { alignTo, bytesPerElement, type Tensors, tensorAlignment, tensorOver } from '../tensor.ts'

/** The samples of a task as views of its slot, laid out as `SlotFile.write` does. */
export function samplesIn(
  memory: Uint8Array,
  { type, count }: Pick<MessageOf<'work'> | MessageOf<'evaluate'>, 'type' | 'count'>,
  sizes: Sizes,
): Tensors {
  const samples: Record<string, Tensors[string]> = {}
  let offset = 0
  for (const [name, rule] of Object.entries(messageTensors[type]!)) {
    const [elementType, elements] = [rule.type(sizes), rule.elements(sizes, count)]
    offset = alignTo(offset, tensorAlignment)
    samples[name] = tensorOver(elementType, memory, offset, elements)
    offset += elements * bytesPerElement[elementType]
  }
  return samples
}
