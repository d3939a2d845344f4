/** The tree of a runbook as elements. Nothing of a text becomes anything but these elements and words. */
import type { Block, Inline } from './runbook-client.ts';

/** @param top level of the heading that a title becomes */
export function RunbookText({ tree, top }: { readonly tree: readonly Block[]; readonly top: 2 | 3 | 4 }) {
  return <>{tree.map((block, index) => blockNode(block, index, top))}</>;
}

function blockNode(block: Block, key: number, top: number) {
  switch (block.kind) {
    case 'heading': {
      const Heading = headings[Math.min(6, block.level + top - 1)] ?? 'h6';
      return <Heading key={key}>{inlines(block.children)}</Heading>;
    }
    case 'paragraph':
      return <p key={key}>{inlines(block.children)}</p>;
    case 'list': {
      const items = block.items.map((item, index) => (
        <li key={index}>{item.map((one, at) => inItem(one, at, top))}</li>
      ));
      return block.ordered ? (
        <ol key={key} start={block.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
  }
}

const headings: Readonly<Record<number, 'h2' | 'h3' | 'h4' | 'h5' | 'h6'>> = { 2: 'h2', 3: 'h3', 4: 'h4', 5: 'h5' };

/** The words of a step stand beside its number. */
const inItem = (block: Block, key: number, top: number) =>
  block.kind === 'paragraph' ? <span key={key}>{inlines(block.children)}</span> : blockNode(block, key, top);

const inlines = (nodes: readonly Inline[]) => nodes.map((node, index) => inlineNode(node, index));

function inlineNode(node: Inline, key: number) {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'code':
      return <code key={key}>{node.text}</code>;
    case 'break':
      return <br key={key} />;
    case 'strong':
      return <strong key={key}>{inlines(node.children)}</strong>;
    case 'em':
      return <em key={key}>{inlines(node.children)}</em>;
    case 'link':
      return (
        <a key={key} href={node.href} rel="noreferrer noopener">
          {inlines(node.children)}
        </a>
      );
  }
}
