/* The reader's name and a newsletter's own fields: put in from a menu, shown as one piece in the line of words. */
import { Node, crel, gettext } from "django-prose-editor/editor"
import { ask } from "newsletter/dialogs"

const FIRST_NAME = { name: "first_name", label: gettext("First name"), fallback: "" }

/* Read anew each time: which fields there are depends on the newsletter chosen in the form. */
export const offered = (editor) => {
  const textarea = editor.options.element.querySelector("textarea")
  const listed = JSON.parse(textarea?.dataset.fields || "[]")
  return listed.some(({ name }) => name === FIRST_NAME.name) ? listed : [FIRST_NAME, ...listed]
}

const known = (editor, name) => offered(editor).find((each) => each.name === name)

const askFallback = async (editor, { name, fallback }) => {
  const label = known(editor, name)?.label ?? name
  const field = {
    name: "fallback",
    label: gettext("Said to readers of whom it is not known"),
    help: gettext("Like “friend” in “Good morning, friend”. It is also what the web page says."),
    value: fallback,
  }
  const answer = await ask(editor, { title: label, fields: [field] })
  return answer && { name, fallback: answer.fallback.replace(/\s+/g, " ") }
}

export const insertField = async (editor, { name, fallback }) => {
  const attrs = await askFallback(editor, { name, fallback })
  if (attrs) editor.chain().focus().insertContent({ type: "field", attrs }).run()
}

export const editField = async (editor) => {
  const { from } = editor.state.selection
  const attrs = await askFallback(editor, editor.getAttributes("field"))
  if (attrs) editor.chain().focus().updateAttributes("field", attrs).setNodeSelection(from).run()
}

const look = (editor, dom, { name, fallback }) => {
  const field = known(editor, name)
  const label = field?.label ?? gettext("Unknown field: {name}").replace("{name}", name)
  const hint = fallback ? gettext("or “{fallback}”").replace("{fallback}", fallback) : gettext("or nothing")
  dom.classList.toggle("field-chip--unknown", !field)
  dom.replaceChildren(crel("span", { textContent: label }), crel("small", { textContent: ` ${hint}` }))
}

export const Field = Node.create({
  name: "field",
  group: "inline",
  inline: true,
  atom: true,
  selectable: true,
  addAttributes: () => ({
    name: { default: FIRST_NAME.name, parseHTML: (span) => span.dataset.field, rendered: false },
    fallback: { default: "", parseHTML: (span) => span.dataset.fallback ?? span.textContent.trim(), rendered: false },
  }),
  parseHTML: () => [{ tag: "span[data-field]", priority: 60 }],
  renderHTML: ({ node: { attrs } }) => [
    "span",
    { class: "field", "data-field": attrs.name, "data-fallback": attrs.fallback },
    ...(attrs.fallback ? [attrs.fallback] : []),
  ],
  renderText: ({ node }) => node.attrs.fallback,
  addNodeView() {
    return ({ node, editor }) => {
      const dom = crel("span", { className: "field-chip" })
      const update = (shown) => {
        if (shown.type.name === "field") look(editor, dom, shown.attrs)
        return shown.type.name === "field"
      }
      update(node)
      dom.addEventListener("dblclick", () => editField(editor))
      return { dom, update, ignoreMutation: () => true }
    }
  },
  addKeyboardShortcuts() {
    return { Enter: () => this.editor.isActive("field") && Boolean(editField(this.editor)) }
  },
})
