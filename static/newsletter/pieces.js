/* Blocks that are written in a dialog, and shown, not typed into: buttons, subscribe boxes, the feedback line. */
import { Extension, Node, Plugin, crel, gettext, pm } from "django-prose-editor/editor"
import { put } from "newsletter/blocks"
import { ask, notAnAddress, wholeAddress } from "newsletter/dialogs"

/* Ask what a piece says, and put it where the cursor is; one that is selected is changed instead. */
export const write = async (editor, name) => {
  const isThere = editor.isActive(name)
  const { from } = editor.state.selection
  const { question } = editor.storage[name]
  const attrs = await question(editor, isThere ? editor.getAttributes(name) : {})
  if (!attrs) return
  if (isThere) editor.chain().focus().updateAttributes(name, attrs).setNodeSelection(from).run()
  else put(editor, { type: name, attrs })
}

/* Enter or a double click opens a piece again. */
export const piece = (name, { look, question, ...config }) =>
  Node.create({
    name,
    group: "box",
    atom: true,
    draggable: true,
    extendNodeSchema: (extension) => (extension.name === name ? { isPiece: true } : {}),
    ...config,
    addNodeView() {
      return ({ node, editor }) => {
        const dom = crel("div", { className: `piece piece-${name}` })
        const show = (shown) => {
          if (shown.type.name === name) dom.replaceChildren(...look(shown.attrs))
          return shown.type.name === name
        }
        show(node)
        dom.addEventListener("dblclick", () => write(editor, name))
        return { dom, update: show, ignoreMutation: () => true }
      }
    },
    addKeyboardShortcuts() {
      return { Enter: () => this.editor.isActive(name) && Boolean(write(this.editor, name)) }
    },
    addStorage: () => ({ question }),
  })

export const attribute = (read) => ({ default: null, parseHTML: read, rendered: false })

export const Button = piece("button", {
  addAttributes: () => ({
    href: attribute((element) => element.querySelector("a[href]")?.getAttribute("href") ?? null),
    label: attribute((element) => element.textContent.trim()),
  }),
  parseHTML: () => [{ tag: "p.cta", priority: 60, getAttrs: (p) => (p.querySelector("a[href]") ? null : false) }],
  renderHTML: ({ node: { attrs } }) => ["p", { class: "cta" }, ["a", { class: "btn", href: attrs.href }, attrs.label]],
  look: ({ label, href }) => [
    crel("span", { className: "piece-btn", textContent: label }),
    crel("small", { textContent: href }),
  ],
  question: (editor, { label, href }) =>
    ask(editor, {
      title: gettext("Button"),
      fields: [
        { name: "label", label: gettext("Words on the button"), value: label, isRequired: true },
        {
          name: "href",
          label: gettext("Where it leads"),
          value: href,
          isRequired: true,
          check: wholeAddress,
          wrong: notAnAddress,
        },
      ],
    }),
})

export const SubscribeBox = piece("subscribeBox", {
  addAttributes: () => ({ strapline: attribute((element) => element.dataset.strapline || "") }),
  parseHTML: () => [{ tag: "div[data-block=subscribe]" }],
  renderHTML: ({ node: { attrs } }) => [
    "div",
    { "data-block": "subscribe", ...(attrs.strapline ? { "data-strapline": attrs.strapline } : {}) },
  ],
  look: ({ strapline }) => [
    crel("strong", { textContent: strapline || gettext("Your newsletter’s own strapline") }),
    crel("small", { textContent: gettext("Subscribe box: e-mail field on the web, a button in the mail") }),
  ],
  question: (editor, { strapline }) =>
    ask(editor, {
      title: gettext("Subscribe box"),
      fields: [
        {
          name: "strapline",
          label: gettext("Strapline"),
          help: gettext("Leave it empty to use the newsletter’s own."),
          value: strapline,
        },
      ],
    }),
})

const USUAL_QUESTION = gettext("Was this good?")

export const Feedback = piece("feedback", {
  addAttributes: () => ({ question: attribute((element) => element.dataset.question?.trim() || USUAL_QUESTION) }),
  parseHTML: () => [{ tag: "div[data-block=feedback]" }],
  renderHTML: ({ node: { attrs } }) => ["div", { "data-block": "feedback", "data-question": attrs.question }],
  look: ({ question }) => [
    crel("strong", { textContent: question }),
    crel("span", { className: "piece-answers" }, [
      crel("span", { textContent: gettext("Good") }),
      crel("span", { textContent: gettext("So-so") }),
      crel("span", { textContent: gettext("Not good") }),
    ]),
    crel("small", { textContent: gettext("Feedback line: readers choose an answer, and confirm it on a page") }),
  ],
  question: (editor, { question }) =>
    ask(editor, {
      title: gettext("Feedback line"),
      fields: [
        {
          name: "question",
          label: gettext("What you ask"),
          help: gettext("Readers answer good, so-so or not good; the report counts them."),
          value: question ?? USUAL_QUESTION,
          isRequired: true,
        },
      ],
    }),
})

/* A letter typed while a piece is selected goes on below it; it must not take its place. */
const goOnBelow = (view, _from, to, text) => {
  const { selection, schema, tr } = view.state
  if (!selection.node?.isAtom || !selection.node.isBlock) return false
  tr.insert(to, schema.nodes.paragraph.create(null, schema.text(text)))
  view.dispatch(tr.setSelection(pm.state.TextSelection.create(tr.doc, to + 1 + text.length)))
  return true
}

export const Pieces = Extension.create({
  name: "pieces",
  addProseMirrorPlugins: () => [new Plugin({ props: { handleTextInput: goOnBelow } })],
})
