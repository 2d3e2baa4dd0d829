/* "/" at the start of an empty paragraph lists what can be put in; what is typed after it narrows the list down. */
import { Extension, Plugin, crel, gettext, pm } from "django-prose-editor/editor"
import { insertables } from "newsletter/inserting"
import { place } from "newsletter/menus"

const LIST = "editor-slash"

/* The words after the slash, when a paragraph of the issue itself holds nothing else. */
const queryAt = ({ selection: { $from, empty } }) => {
  if (!empty || $from.depth !== 1 || $from.parent.type.name !== "paragraph") return null
  if ($from.parentOffset !== $from.parent.content.size) return null
  return /^\/([^/]{0,30})$/.exec($from.parent.textContent)?.[1].toLowerCase() ?? null
}

const begins = (text, query) => text.toLowerCase().split(/\s+/).some((word) => word.startsWith(query))

/* First what is called like it, then what only speaks of it. */
const fitting = (editor, query) => {
  const all = insertables(editor).flatMap(({ entries }) => entries)
  const called = all.filter(({ words }) => begins(words, query) || words.toLowerCase().startsWith(query))
  return [...called, ...all.filter((entry) => !called.includes(entry) && begins(entry.hint, query))]
}

class Slash {
  constructor(editor) {
    this.editor = editor
    this.list = crel("ul", { id: LIST, className: "editor-menu", role: "listbox", "aria-label": gettext("Insert") })
    this.list.popover = "manual"
    this.list.tabIndex = 0 // it may scroll
    this.list.addEventListener("mousedown", (event) => event.preventDefault()) // the cursor stays in the text
    editor.view.dom.parentElement.append(this.list)
    this.entries = []
    this.index = 0
    this.isPutAway = false
  }

  get isOpen() {
    return this.list.matches(":popover-open")
  }

  update(view, before) {
    const query = queryAt(view.state)
    if (query === null) this.isPutAway = false
    const isTyped = !before.doc.eq(view.state.doc)
    if (query === null || this.isPutAway || !(isTyped || this.isOpen)) return this.close()
    const entries = fitting(this.editor, query)
    if (!entries.length) return this.close()
    if (isTyped) this.index = 0
    this.entries = entries
    this.show(view)
  }

  show(view) {
    this.list.replaceChildren(...this.entries.map((entry, index) => this.option(entry, index)))
    if (!this.isOpen) this.list.showPopover()
    place(this.list, view.coordsAtPos(view.state.selection.from))
    this.list.children[this.index].scrollIntoView({ block: "nearest" })
    view.dom.setAttribute("aria-controls", LIST)
    view.dom.setAttribute("aria-activedescendant", `${LIST}-${this.index}`)
  }

  option({ icon, words, hint }, index) {
    const dom = crel("li", { id: `${LIST}-${index}`, className: "editor-menu__item", role: "option" }, [
      crel("span", { className: "material-icons", "aria-hidden": "true", textContent: icon }),
      crel("span", { className: "editor-menu__words", textContent: words }, []),
    ])
    dom.lastChild.append(crel("small", { textContent: hint }))
    dom.setAttribute("aria-selected", String(index === this.index))
    dom.addEventListener("click", () => this.pick(index))
    return dom
  }

  close() {
    if (!this.isOpen) return
    this.list.hidePopover()
    this.editor.view.dom.removeAttribute("aria-activedescendant")
    this.editor.view.dom.removeAttribute("aria-controls")
  }

  pick(index) {
    const entry = this.entries[index]
    const { $from } = this.editor.state.selection
    this.close()
    this.editor.chain().focus().deleteRange({ from: $from.start(), to: $from.end() }).run()
    entry.run()
  }

  keydown(view, { key }) {
    if (!this.isOpen) return false
    const step = { ArrowDown: 1, ArrowUp: -1 }[key]
    if (step) {
      this.index = (this.index + step + this.entries.length) % this.entries.length
      this.show(view)
    } else if (key === "Enter" || key === "Tab") this.pick(this.index)
    else if (key === "Escape") {
      this.isPutAway = true
      this.close()
    } else return false
    return true
  }
}

export const SlashMenu = Extension.create({
  name: "slashMenu",
  priority: 1000, // its keys come before the text's own
  addProseMirrorPlugins() {
    let slash = null
    const view = () => {
      slash = new Slash(this.editor)
      return { update: (...change) => slash.update(...change), destroy: () => slash.list.remove() }
    }
    const handleKeyDown = (...pressed) => slash.keydown(...pressed)
    const blur = () => void slash.close()
    return [
      new Plugin({ key: new pm.state.PluginKey("slash"), view, props: { handleKeyDown, handleDOMEvents: { blur } } }),
    ]
  },
})
