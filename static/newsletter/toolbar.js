/* The editor's toolbar, its keyboard manners, and the name of the writing area. */
import { Extension, Placeholder, Plugin, crel, gettext } from "django-prose-editor/editor"
import { GROUPS } from "newsletter/controls"
import { menuButton } from "newsletter/menus"

const HINT = gettext("Write here, or type / to put something in …")

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

const buttonOf = (buttons, { icon, words, hint, label }) => {
  const button = icon ? buttons.material(icon, label ?? hint) : buttons.text(words, hint ?? label)
  button.setAttribute("aria-label", label ?? words ?? hint)
  return button
}

/* The menus hang beside the toolbar: their items are no stops of its own. */
const opened = (editor, button, { label, sections }) => {
  button.classList.add("prose-menubar__button--menu")
  return menuButton(button, { label, sections: () => sections(editor), home: editor.view.dom.parentElement })
}

const itemOf = (editor, button, { icon, words, hint, label, sections, show, ...item }) => ({
  ...item,
  button,
  ...(sections ? { command: opened(editor, button, { label, sections }) } : {}),
  update: () => {
    show?.(editor, button)
    if (item.active) button.setAttribute("aria-pressed", String(item.active(editor)))
  },
})

/* What belongs to the box or piece around the cursor stands at the text's edge, one Shift+Tab away from it. */
const setApart = (toolbar) => {
  const group = toolbar.querySelector("[data-name=edit]").closest(".prose-menubar__group")
  const around = crel("div", { className: "editor-around", role: "group", "aria-label": gettext("This box") }, [group])
  toolbar.after(around)
}

export const Toolbar = Extension.create({
  name: "toolbar",
  priority: 10, // after the menu, which builds the bar
  addExtensions: () => [Placeholder.configure({ placeholder: HINT })],
  addMenuItems({ menu, buttons }) {
    for (const [group, items] of Object.entries(GROUPS)) {
      for (const [place, item] of items.entries()) {
        const definition = itemOf(this.editor, buttonOf(buttons, item), item)
        menu.defineItem({ ...definition, groups: group, priority: 100 - place })
      }
    }
  },
  onCreate() {
    const toolbar = this.editor.storage.menu.dom
    toolbar.setAttribute("role", "toolbar")
    toolbar.setAttribute("aria-label", gettext("Formatting and blocks"))
    setApart(toolbar)
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
