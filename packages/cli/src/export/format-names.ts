/** Apart from what writes them, which loads TensorFlow.js: the help names them too. */
export const exportFormats = ['saved-model', 'tfjs', 'safetensors'] as const

export type ExportFormat = (typeof exportFormats)[number]
