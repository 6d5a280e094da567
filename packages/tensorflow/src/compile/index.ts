export { type CompileFunction, type CompileOptions, compileFunction, type Precision } from './compile-function.ts'
export type { CompiledFunction } from './session.ts'
export type { InputSpec, TraceFunction } from './trace.ts'
