export { describeFault, type Fault, type FaultKind, faultKinds } from './faults/fault.ts'
export { drawScenario, type Scenario } from './scenario.ts'
export { shrink } from './shrink.ts'
export { type SimulationResult, simulate, simulateSeed } from './simulate.ts'
