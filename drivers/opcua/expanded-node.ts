/** A node written with the URI of its namespace (OPC 10000-6, 5.1.12). Pure. */

export interface ExpandedNode {
  /** Null: a node of OPC UA itself, whose namespace is 0 everywhere. */
  readonly namespaceUri: string | null;
  /** `i=…`, `s=…`, `g=…` or `b=…`. */
  readonly identifier: string;
}

/** Of a text that has passed the profile's schema. `;` and `%` of a URI are written %3B and %25. */
export function parseExpandedNode(text: string): ExpandedNode {
  if (!text.startsWith('nsu=')) return { namespaceUri: null, identifier: text };
  const end = text.indexOf(';');
  const uri = text.slice(4, end).replaceAll(/%3b/gi, ';').replaceAll('%25', '%');
  return { namespaceUri: uri, identifier: text.slice(end + 1) };
}

/** The node in this session's numbering; null when the server has no such namespace. */
export function inNamespaces(node: ExpandedNode, namespaces: readonly string[]): string | null {
  if (node.namespaceUri === null) return node.identifier;
  const index = namespaces.indexOf(node.namespaceUri);
  return index === -1 ? null : `ns=${index};${node.identifier}`;
}
