/* The boxes of an issue. What every block may write is listed in newsletter/rendering/blocks.py. */
import {
  Document as AnyDocument,
  Extension,
  Node,
  Plugin,
  gettext,
  mergeAttributes,
  pm,
} from "django-prose-editor/editor"
import { ask } from "newsletter/dialogs"

const PARAGRAPH = { type: "paragraph" }

/* The innermost place around the cursor that takes this node; an empty paragraph there gives way to it. */
const placeFor = ({ $from, to }, type) => {
  for (let depth = $from.depth; depth > 0; depth--) {
    const parent = $from.node(depth - 1)
    const index = $from.index(depth - 1)
    const isBlank = $from.node(depth).isTextblock && !$from.node(depth).content.size
    if (isBlank && parent.canReplaceWith(index, index + 1, type)) {
      return { from: $from.before(depth), to: $from.after(depth) }
    }
    if (parent.canReplaceWith(index + 1, index + 1, type)) return $from.after(depth)
  }
  return to
}

/* The cursor goes on in words, not onto a piece: the next letter belongs into a paragraph. */
const moveTo =
  (position) =>
  ({ tr }) => {
    const $place = tr.doc.resolve(Math.min(position, tr.doc.content.size))
    tr.setSelection(pm.state.Selection.findFrom($place, 1, true) ?? pm.state.Selection.near($place))
    return true
  }

export const put = (editor, json, cursor = 1) => {
  const { doc, selection } = editor.state
  const place = placeFor(selection, editor.schema.nodes[json.type])
  const start = place.from ?? place
  const isLast = !doc.resolve(place.to ?? place).nodeAfter
  editor.chain().focus().insertContentAt(place, isLast ? [json, PARAGRAPH] : json).command(moveTo(start + cursor)).run()
}

export const boxAround = ({ $from }) => {
  const node = $from.depth > 0 ? $from.node(1) : null
  return node?.type.spec.wraps ? { node, from: $from.before(1), to: $from.after(1) } : null
}

/* Put a box around the blocks that are selected, or an empty one where the cursor is. */
export const wrap = (editor, name) => {
  const { $from, $to, from } = editor.state.selection
  const type = editor.schema.nodes[name]
  const range = { from: $from.depth ? $from.before(1) : $from.pos, to: $to.depth ? $to.after(1) : $to.pos }
  const content = editor.state.doc.slice(range.from, range.to).content
  const fits = type.validContent(content) && (!type.spec.startsWith || content.firstChild.type.name.endsWith("List"))
  if (fits && content.textBetween(0, content.size).trim()) {
    const json = { type: name, content: content.toJSON() }
    return editor.chain().focus().insertContentAt(range, json).command(moveTo(from + 1)).run()
  }
  const empty = type.spec.startsWith ?? [PARAGRAPH]
  return put(editor, { type: name, content: empty }, name === "also" ? 4 : 2)
}

export const unwrap = (editor) => {
  const box = boxAround(editor.state.selection)
  if (!box) return
  const cursor = editor.state.selection.from - 1
  editor.chain().focus().insertContentAt(box, box.node.content.toJSON()).command(moveTo(cursor)).run()
}

export const hasTitle = ({ type }) => "title" in (type.spec.attrs ?? {})

/* A box with a title never goes without one: readers must know an advertisement when they see it. */
export const rename = async (editor, box = boxAround(editor.state.selection)) => {
  if (!box || !hasTitle(box.node)) return
  const title = { name: "title", label: gettext("Title of the box"), value: box.node.attrs.title, isRequired: true }
  const answer = await ask(editor, { title: gettext("Title of the box"), fields: [title] })
  if (!answer) return
  const setTitle = ({ tr }) => Boolean(tr.setNodeAttribute(box.from, "title", answer.title))
  editor.chain().focus().command(setTitle).run()
}

const title = (usual) => ({
  title: {
    default: usual,
    parseHTML: (element) => element.dataset.title?.trim() || usual,
    renderHTML: (attrs) => ({ "data-title": attrs.title }),
  },
})

const box = (name, { tag, content, usual, startsWith, isQuote }) =>
  Node.create({
    name,
    group: "box",
    content,
    defining: true,
    extendNodeSchema: (extension) => (extension.name === name ? { wraps: true, startsWith } : {}),
    addAttributes: () => (usual ? title(usual) : {}),
    parseHTML: () => [{ tag: isQuote ? "blockquote.pull" : `${tag}[data-block=${name}]`, priority: 60 }],
    renderHTML: ({ HTMLAttributes }) => {
      const own = isQuote ? { class: "pull" } : { class: name, "data-block": name }
      return [tag, mergeAttributes(HTMLAttributes, own), 0]
    },
  })

/* Boxes stand in the issue itself, not in lists or quotes. */
export const Document = AnyDocument.extend({ content: "(block | box)+" })

export const Take = box("take", {
  tag: "aside",
  content: "(paragraph | bulletList | orderedList | button)+",
  usual: gettext("Our take"),
})

export const Also = box("also", {
  tag: "section",
  content: "(bulletList | orderedList | paragraph)+",
  usual: gettext("Also worth noting"),
  startsWith: [{ type: "bulletList", content: [{ type: "listItem", content: [PARAGRAPH] }] }],
})

export const Joke = box("joke", { tag: "aside", content: "paragraph+" })

export const Sponsor = box("sponsor", {
  tag: "aside",
  content: "(paragraph | bulletList | orderedList | picture | button)+",
  usual: gettext("Sponsored"),
})

export const PullQuote = box("pullQuote", { tag: "blockquote", content: "paragraph+", isQuote: true })

export const Lead = Extension.create({
  name: "lead",
  addGlobalAttributes: () => [
    {
      types: ["paragraph"],
      attributes: {
        lead: {
          default: false,
          keepOnSplit: false,
          parseHTML: (element) => element.classList.contains("lead"),
          renderHTML: (attrs) => (attrs.lead ? { class: "lead" } : {}),
        },
      },
    },
  ],
})

/* The title is drawn by the style sheet; a click on it opens it. */
const openTitle = (editor) => (view, _position, node, from, event) => {
  if (!node.type.spec.wraps || !hasTitle(node) || event.target !== view.nodeDOM(from)) return false
  if (event.clientY > event.target.firstElementChild.getBoundingClientRect().top) return false
  rename(editor, { node, from })
  return true
}

export const Boxes = Extension.create({
  name: "boxes",
  addProseMirrorPlugins() {
    return [new Plugin({ props: { handleClickOn: openTitle(this.editor) } })]
  },
})
