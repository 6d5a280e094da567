/** In a separate file, because the help needs these names, and the code that writes the formats loads TensorFlow.js. */
export const exportFormats = ['saved-model', 'tfjs', 'safetensors'] as const

export type ExportFormat = (typeof exportFormats)[number]
