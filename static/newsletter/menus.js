/* A toolbar button that opens a menu: the menu button pattern of the ARIA guide, in the browser's top layer. */
import { crel } from "django-prose-editor/editor"

let count = 0

const elementOf = (entry) => {
  const role = entry.active ? "menuitemradio" : "menuitem"
  const icon = crel("span", { className: "material-icons", "aria-hidden": "true", textContent: entry.icon ?? "" })
  const words = crel("span", { className: "editor-menu__words", textContent: entry.words })
  const hint = crel("small", { textContent: entry.hint ?? "" })
  const item = crel("button", { type: "button", role, tabIndex: -1, className: "editor-menu__item" }, [icon, words])
  if (entry.hint) words.append(hint)
  item.setAttribute("aria-label", entry.words)
  if (entry.hint) item.title = entry.hint
  return item
}

/* Entries may stand in named sections: [{section, entries}]. */
const fill = (menu, sections, pick) => {
  menu.replaceChildren()
  for (const { section, entries } of sections) {
    const group = crel("div", { role: "group", className: "editor-menu__section" })
    if (section) {
      group.append(crel("p", { className: "editor-menu__name", "aria-hidden": "true", textContent: section }))
      group.setAttribute("aria-label", section)
    }
    for (const entry of entries) {
      const item = elementOf(entry)
      if (entry.active) item.setAttribute("aria-checked", String(entry.active()))
      item.addEventListener("click", () => pick(entry))
      group.append(item)
    }
    menu.append(group)
  }
}

/* Below what it belongs to, inside the window; above where there is no room below. */
export const place = (menu, { left, top, bottom }) => {
  const { offsetWidth: width, offsetHeight: height } = menu
  const gap = 6
  const room = innerHeight - bottom - gap
  const y = height > room && top > room ? Math.max(gap, top - height - gap) : bottom + gap
  menu.style.left = `${Math.max(gap, Math.min(left, innerWidth - width - gap))}px`
  menu.style.top = `${y}px`
  menu.style.maxHeight = `${Math.max(160, innerHeight - y - gap)}px`
}

const items = (menu) => [...menu.querySelectorAll(".editor-menu__item")]

/* The next item that begins with the letter, as in the menus of the system. */
const beginning = (all, here, letter) => {
  const later = [...all.slice(here + 1), ...all.slice(0, here + 1)]
  return later.find((item) => item.getAttribute("aria-label").toLowerCase().startsWith(letter))
}

const walk = (menu, event) => {
  const all = items(menu)
  const here = all.indexOf(document.activeElement)
  const step = { ArrowDown: here + 1, ArrowUp: here - 1 + (here < 0), Home: 0, End: -1 }[event.key]
  if (step !== undefined) return all.at(step % all.length)
  const isLetter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey
  return isLetter ? beginning(all, here, event.key.toLowerCase()) : null
}

/* Makes the button open a menu of what `sections` gives at that moment; returns what opens and closes it. */
export const menuButton = (button, { label, sections, home }) => {
  const id = `editor-menu-${++count}`
  const menu = crel("div", { id, className: "editor-menu", role: "menu", "aria-label": label })
  menu.popover = "auto"
  button.popoverTargetElement = menu // so that a press on the button counts as inside
  for (const [name, value] of [
    ["aria-haspopup", "menu"],
    ["aria-expanded", "false"],
    ["aria-controls", menu.id],
  ]) {
    button.setAttribute(name, value)
  }

  const open = (index = 0) => {
    fill(menu, sections(), pick)
    menu.showPopover()
    place(menu, button.getBoundingClientRect())
    const checked = menu.querySelector("[aria-checked=true]")
    const target = checked ?? items(menu).at(index)
    target?.focus()
  }
  const pick = (entry) => {
    menu.hidePopover()
    entry.run()
  }

  menu.addEventListener("toggle", ({ newState }) => {
    button.setAttribute("aria-expanded", String(newState === "open"))
  })
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Tab") return menu.hidePopover()
    if (event.key === "Escape") {
      event.preventDefault()
      menu.hidePopover()
      return button.focus()
    }
    const target = walk(menu, event)
    if (!target) return
    event.preventDefault()
    target.focus()
  })
  button.addEventListener("keydown", (event) => {
    if (!["ArrowDown", "ArrowUp"].includes(event.key)) return
    event.preventDefault()
    open(event.key === "ArrowUp" ? -1 : 0)
  })
  addEventListener("resize", () => menu.matches(":popover-open") && menu.hidePopover())
  home.append(menu)
  return () => (menu.matches(":popover-open") ? menu.hidePopover() : open())
}
