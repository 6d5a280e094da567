import { createGraph, type Graph, type GraphNode, reachable, type Value } from './graph.ts'
import type { Trace } from './trace.ts'

/**
 * Adds another computation of a node's outputs to the graph; undefined if the rule does not apply. The node's inputs
 * are values of that graph. A rule may inspect the nodes before this one, but not those that use it.
 */
export type Rule = (graph: Graph, node: GraphNode) => readonly Value[] | undefined

/** Rewrites a trace: the first matching rule replaces each node. Nodes that are not used any more are dropped. */
export function rewrite({ inputs, outputs }: Trace, rules: readonly Rule[]): Trace {
  const graph = createGraph()
  const replaced = new Map<Value, Value>()
  const map = (value: Value) => replaced.get(value)!
  const roots = [...inputs, ...outputs]
  for (const node of reachable(roots)) {
    const values = applyRules(graph, rules, { ...node, inputs: node.inputs.map(map) })
    for (const [index, output] of node.outputs.entries()) replaced.set(output, values[index]!)
  }
  return { graph, inputs: inputs.map(map), outputs: outputs.map(map) }
}

function applyRules(graph: Graph, rules: readonly Rule[], node: GraphNode): readonly Value[] {
  for (const rule of rules) {
    const values = rule(graph, node)
    if (values !== undefined) return values
  }
  return graph.add(node).outputs
}
