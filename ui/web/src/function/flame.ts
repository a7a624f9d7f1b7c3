import type { FlameNode } from '../wire.gen'

/** One call of a flame graph: its place as shares of the whole width, and its row. */
export interface Bar {
  node: FlameNode
  path: string // of names from the root: it tells bars apart
  depth: number
  left: number
  width: number
}

const LEAST = 0.001 // of the width: thinner ones cannot be seen, nor pointed at

/** Lays a tree of calls out, the caller above what it calls. Children fill their parent from the left. */
export function barsOf(root: FlameNode): Bar[] {
  const out: Bar[] = []
  const place = (node: FlameNode, path: string, depth: number, left: number, width: number) => {
    if (width < LEAST) return
    out.push({ node, path, depth, left, width })
    let at = left
    node.children.forEach((child, i) => {
      const share = node.total > 0 ? (child.total / node.total) * width : 0
      place(child, `${path}/${i}`, depth + 1, at, share)
      at += share
    })
  }
  place(root, '', 0, 0, 1)
  return out
}

/** The node at a path that barsOf gave; the root where there is none. */
export function nodeAt(root: FlameNode, path: string): FlameNode {
  let node = root
  for (const part of path.split('/').slice(1)) node = node.children[Number(part)] ?? node
  return node
}

export interface Hot {
  key: string
  name: string
  file: string
  line: number
  self: number
  total: number
}

/** Functions by the time in themselves, on all paths together; what calls itself counts once in total. */
export function hottest(root: FlameNode, most: number): Hot[] {
  const found = new Map<string, Hot>()
  const add = (node: FlameNode, above: ReadonlySet<string>) => {
    const key = `${node.name} ${node.file ?? ''}`
    let inside = above
    if (node.name !== '') {
      const hot = found.get(key) ?? { key, name: node.name, file: node.file ?? '', line: node.line ?? 0, self: 0, total: 0 }
      hot.self += node.self
      if (!above.has(key)) hot.total += node.total
      found.set(key, hot)
      inside = new Set(above).add(key)
    }
    for (const child of node.children) add(child, inside)
  }
  add(root, new Set())
  return [...found.values()].sort((a, b) => b.self - a.self || b.total - a.total).slice(0, most)
}

/** A hue for a file, so that calls of one file look alike. It says nothing else. */
export function hueOf(file: string | undefined): number {
  let hash = 7
  for (const c of file ?? '') hash = (hash * 31 + (c.codePointAt(0) ?? 0)) % 360
  return hash
}
