/* The editor's toolbar in plain words, its keyboard manners, and the name of the writing area. */
import { Extension, Plugin, gettext } from "django-prose-editor/editor"

const chain = (editor) => editor.chain().focus()
const boxes = (editor) => editor.storage.boxes
const dialogs = (editor) => editor.storage.dialogs

const kinds = [
  {
    name: "text",
    words: gettext("Text"),
    command: (editor) => chain(editor).setParagraph().updateAttributes("paragraph", { lead: false }).run(),
    active: (editor) => editor.isActive("paragraph", { lead: false }),
  },
  {
    name: "lead",
    words: gettext("Opening"),
    hint: gettext("Opening paragraph, set larger"),
    command: (editor) => chain(editor).setParagraph().updateAttributes("paragraph", { lead: true }).run(),
    active: (editor) => editor.isActive("paragraph", { lead: true }),
  },
  ...[
    [2, gettext("Heading")],
    [3, gettext("Small heading")],
  ].map(([level, words]) => ({
    name: `heading${level}`,
    words,
    command: (editor) => chain(editor).toggleHeading({ level }).run(),
    active: (editor) => editor.isActive("heading", { level }),
    enabled: (editor) => editor.can().toggleHeading({ level }),
  })),
]

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
    command: (editor) => dialogs(editor).writeLink(editor),
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
].map(([name, icon, hint, toggle]) => ({
  name,
  icon,
  hint,
  command: (editor) => chain(editor)[toggle]().run(),
  active: (editor) => editor.isActive(name),
  enabled: (editor) => editor.can()[toggle](),
}))

const quote = {
  name: "blockquote",
  icon: "format_quote",
  hint: gettext("Quotation"),
  command: (editor) => chain(editor).toggleBlockquote().run(),
  active: (editor) => editor.isActive("blockquote"),
  enabled: (editor) => editor.can().toggleBlockquote(),
}

/* A second press opens the title of a box that has one, and takes the others away. */
const boxItems = [
  ["take", gettext("Our take"), gettext("Box with the editors’ own view"), true],
  ["also", gettext("Also worth noting"), gettext("List of short notes"), true],
  ["joke", gettext("Joke"), gettext("The joke that opens an issue"), false],
  ["pullQuote", gettext("Pull quote"), gettext("A sentence set large"), false],
].map(([name, words, hint, isTitled]) => ({
  name,
  words,
  hint,
  command: (editor) => {
    if (!editor.isActive(name)) boxes(editor).wrap(editor, name)
    else if (isTitled) dialogs(editor).rename(editor, name)
    else boxes(editor).unwrap(editor)
  },
  active: (editor) => editor.isActive(name),
}))

const unbox = {
  name: "unbox",
  words: gettext("Remove the box"),
  hint: gettext("Remove the box and keep its words"),
  command: (editor) => boxes(editor).unwrap(editor),
  hidden: (editor) => !boxes(editor).boxAround(editor.state.selection),
}

const pieces = [
  ["button", gettext("Button"), gettext("A link that looks like a button")],
  ["subscribeBox", gettext("Subscribe box"), gettext("For readers to whom the issue was passed on")],
  ["picture", gettext("Picture"), gettext("A picture by its address")],
].map(([name, words, hint]) => ({
  name,
  words,
  hint,
  command: (editor) => dialogs(editor).write(editor, name),
  active: (editor) => editor.isActive(name),
}))

const divider = {
  name: "divider",
  words: gettext("Divider"),
  command: (editor) => chain(editor).setHorizontalRule().run(),
  enabled: (editor) => editor.can().setHorizontalRule(),
}

const history = ["undo", "redo"].map((name) => ({
  name,
  icon: name,
  hint: name === "undo" ? gettext("Undo (Ctrl+Z)") : gettext("Redo (Ctrl+Shift+Z)"),
  command: (editor) => chain(editor)[name]().run(),
  enabled: (editor) => editor.can()[name](),
}))

const html = { name: "html", words: "HTML", hint: gettext("Edit as HTML"), command: (editor) => editor.commands.editHTML() }

const GROUPS = {
  kind: kinds,
  words: marks,
  link: links,
  list: lists,
  quote: [quote],
  box: [...boxItems, unbox],
  insert: [...pieces, divider],
  history,
  html: [html],
}

const visible = (toolbar) => [...toolbar.querySelectorAll("button:not(.hidden)")]

/* One stop for Tab, arrows inside: the toolbar pattern of the ARIA guide. */
const rove = (toolbar) => {
  const settle = (current) => {
    for (const button of toolbar.querySelectorAll("button")) button.tabIndex = button === current ? 0 : -1
  }
  settle(visible(toolbar)[0])
  toolbar.addEventListener("focusin", (event) => settle(event.target.closest("button")))
  toolbar.addEventListener("keydown", (event) => {
    const buttons = visible(toolbar)
    const here = buttons.indexOf(document.activeElement)
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const target = { Home: 0, End: buttons.length - 1 }[event.key] ?? (step && here + step)
    if (target === undefined) return
    event.preventDefault()
    buttons.at(target % buttons.length).focus()
  })
}

export const Toolbar = Extension.create({
  name: "toolbar",
  priority: 10, // after the menu, which builds the bar
  addMenuItems({ menu, buttons }) {
    for (const [group, items] of Object.entries(GROUPS)) {
      for (const [place, { icon, words, hint, ...item }] of items.entries()) {
        const button = icon ? buttons.material(icon, hint) : buttons.text(words, hint)
        if (words) button.setAttribute("aria-label", words)
        const update = (editor) => item.active && button.setAttribute("aria-pressed", String(item.active(editor)))
        menu.defineItem({ ...item, groups: group, priority: 100 - place, button, update })
      }
    }
  },
  onCreate() {
    const toolbar = this.editor.storage.menu.dom
    toolbar.setAttribute("role", "toolbar")
    toolbar.setAttribute("aria-label", gettext("Formatting and blocks"))
    rove(toolbar)
  },
  addKeyboardShortcuts() {
    return { "Alt-F10": () => !visible(this.editor.storage.menu.dom)[0].focus() }
  },
  addProseMirrorPlugins() {
    const attributes = { role: "textbox", "aria-multiline": "true", "aria-label": gettext("Text of the issue") }
    return [new Plugin({ props: { attributes } })]
  },
})
