/* What stands on the editor's toolbar, in plain words. How the bar behaves is in toolbar.js. */
import { gettext } from "django-prose-editor/editor"
import { boxAround, hasTitle, rename, unwrap } from "newsletter/blocks"
import { ask } from "newsletter/dialogs"
import { editField, insertField, offered } from "newsletter/fields"
import { insertables } from "newsletter/inserting"
import { writeLink } from "newsletter/links"
import { inert } from "newsletter/pasting"
import { write } from "newsletter/pieces"

const chain = (editor) => editor.chain().focus()

const paragraph = (lead) => (editor) => chain(editor).setParagraph().updateAttributes("paragraph", { lead }).run()

const KINDS = [
  {
    icon: "notes",
    words: gettext("Text"),
    hint: gettext("Paragraphs as they are"),
    command: paragraph(false),
    active: (editor) => editor.isActive("paragraph", { lead: false }),
  },
  {
    icon: "format_size",
    words: gettext("Opening"),
    hint: gettext("The first paragraph, set larger"),
    command: paragraph(true),
    active: (editor) => editor.isActive("paragraph", { lead: true }),
  },
  ...[
    [2, gettext("Heading"), gettext("Of a story (Ctrl+Alt+2)")],
    [3, gettext("Small heading"), gettext("Of a part of it (Ctrl+Alt+3)")],
  ].map(([level, words, hint]) => ({
    icon: "title",
    words,
    hint,
    command: (editor) => chain(editor).setHeading({ level }).run(),
    active: (editor) => editor.isActive("heading", { level }),
  })),
]

const kindSections = (editor) => {
  const entry = ({ command, active, ...more }) => {
    return { ...more, run: () => command(editor), active: () => active(editor) }
  }
  return [{ entries: KINDS.map(entry) }]
}

const fieldSections = (editor) => [
  {
    section: gettext("What you know of each reader"),
    entries: offered(editor).map((field) => ({
      icon: field.name === "first_name" ? "person" : "label",
      words: field.label,
      run: () => insertField(editor, field),
    })),
  },
]

/* The words on this button say where the cursor is. */
const kind = {
  name: "kind",
  words: KINDS[0].words,
  label: gettext("Kind of paragraph"),
  sections: kindSections,
  show: (editor, button) => {
    const words = KINDS.find(({ active }) => active(editor))?.words ?? KINDS[0].words
    if (button.textContent !== words) button.textContent = words
  },
}

const insert = { name: "insert", words: gettext("Insert"), label: gettext("Insert"), sections: insertables }

const readers = { name: "field", icon: "person", label: gettext("Reader’s name and fields"), sections: fieldSections }

const marks = [
  ["bold", "format_bold", gettext("Bold (Ctrl+B)")],
  ["italic", "format_italic", gettext("Italic (Ctrl+I)")],
  ["strike", "format_strikethrough", gettext("Struck through")],
  ["code", "code", gettext("Code")],
].map(([name, icon, hint]) => ({
  name,
  icon,
  hint,
  command: (editor) => chain(editor).toggleMark(name).run(),
  active: (editor) => editor.isActive(name),
  enabled: (editor) => editor.can().toggleMark(name),
}))

const links = [
  {
    name: "link",
    icon: "insert_link",
    hint: gettext("Link (Ctrl+K)"),
    command: writeLink,
    active: (editor) => editor.isActive("link"),
  },
  {
    name: "unlink",
    icon: "link_off",
    hint: gettext("Remove the link"),
    command: (editor) => chain(editor).unsetLink().run(),
    hidden: (editor) => !editor.isActive("link"),
  },
]

const lists = [
  ["bulletList", "format_list_bulleted", gettext("List"), "toggleBulletList"],
  ["orderedList", "format_list_numbered", gettext("Numbered list"), "toggleOrderedList"],
  ["blockquote", "format_quote", gettext("Quotation"), "toggleBlockquote"],
].map(([name, icon, hint, toggle]) => ({
  name,
  icon,
  hint,
  command: (editor) => chain(editor)[toggle]().run(),
  active: (editor) => editor.isActive(name),
  enabled: (editor) => editor.can()[toggle](),
}))

const selected = (editor) => editor.state.selection.node
const isOpenable = (editor) => Boolean(selected(editor)?.type.spec.isPiece) || editor.isActive("field")

/* What can be done with the box or piece that the cursor is in. */
const around = [
  {
    name: "edit",
    words: gettext("Edit…"),
    hint: gettext("Edit what is selected (Enter)"),
    command: (editor) => (editor.isActive("field") ? editField(editor) : write(editor, selected(editor).type.name)),
    hidden: (editor) => !isOpenable(editor),
  },
  {
    name: "delete",
    words: gettext("Delete"),
    command: (editor) => chain(editor).deleteSelection().run(),
    hidden: (editor) => !isOpenable(editor),
  },
  {
    name: "rename",
    words: gettext("Title…"),
    hint: gettext("Change the title of the box"),
    command: (editor) => rename(editor),
    hidden: (editor) => {
      const box = boxAround(editor.state.selection)
      return !box || !hasTitle(box.node)
    },
  },
  {
    name: "unbox",
    words: gettext("Remove the box"),
    hint: gettext("Remove the box and keep its words"),
    command: unwrap,
    hidden: (editor) => !boxAround(editor.state.selection),
  },
]

const history = ["undo", "redo"].map((name) => ({
  name,
  icon: name,
  hint: name === "undo" ? gettext("Undo (Ctrl+Z)") : gettext("Redo (Ctrl+Shift+Z)"),
  command: (editor) => chain(editor)[name]().run(),
  enabled: (editor) => editor.can()[name](),
}))

const editHtml = async (editor) => {
  const help = gettext("Only what the toolbar offers is kept.")
  const html = { name: "html", type: "textarea", rows: 16, label: "HTML", help, value: editor.getHTML() }
  const answer = await ask(editor, { title: gettext("Edit as HTML"), fields: [html] })
  if (answer) chain(editor).setContent(inert(answer.html), { emitUpdate: true }).run()
}

const html = { name: "html", words: "HTML", hint: gettext("Edit as HTML"), command: editHtml }

/* In the order in which newsletter/editing.py shows the groups. */
export const GROUPS = {
  insert: [insert, readers],
  kind: [kind],
  words: marks,
  link: links,
  list: lists,
  history,
  html: [html],
  around,
}
