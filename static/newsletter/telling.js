/* What the issue form says of its saving: one line of state, notices with something to choose, and errors at their fields. */
"use strict"

{
  const form = document.getElementById("issue_form")
  const state = document.querySelector("[data-save-state]")
  const spoken = document.querySelector("[data-save-spoken]")
  const notices = document.querySelector("[data-writing-notices]")

  const show = (text, kind = "") => {
    state.textContent = text
    state.dataset.kind = kind
    if (kind === "bad" && spoken.textContent !== text) spoken.textContent = text
    if (!kind) spoken.textContent = ""
  }

  const link = (text, href) => {
    const made = document.createElement("a")
    Object.assign(made, { textContent: text, href, target: "_blank", rel: "noopener" })
    state.append(" ", made)
  }

  const button = (text, act, kind = "") => {
    const made = document.createElement("button")
    Object.assign(made, { type: "button", textContent: text, className: kind })
    made.addEventListener("click", act)
    return made
  }

  const notice = (name, text, ...actions) => {
    notices.querySelector(`[data-notice=${name}]`)?.remove()
    const made = document.createElement("div")
    made.className = "writing-note is-warning"
    made.dataset.notice = name
    made.setAttribute("role", "alert")
    const paragraph = document.createElement("p")
    paragraph.textContent = text
    made.append(paragraph, ...actions)
    notices.append(made)
    return made
  }

  const mark = (errors) => {
    for (const list of form.querySelectorAll("ul.errorlist[data-autosaved]")) list.remove()
    for (const field of form.querySelectorAll("[data-marked]")) {
      field.removeAttribute("data-marked")
      field.removeAttribute("aria-invalid")
      field.closest(".form-row")?.classList.remove("errors")
    }
    for (const [name, messages] of Object.entries(errors)) {
      const field = form.elements[name]
      const row = form.querySelector(`.form-row.field-${name}`)
      if (!field || !row || row.querySelector("ul.errorlist")) continue
      const list = document.createElement("ul")
      list.className = "errorlist"
      list.id = `id_${name}_autosaved`
      list.dataset.autosaved = "1"
      for (const message of messages) {
        const item = document.createElement("li")
        item.textContent = message
        list.append(item)
      }
      const label = row.querySelector("label, legend")
      if (label) label.after(list)
      else row.prepend(list)
      row.classList.add("errors")
      field.setAttribute("aria-invalid", "true")
      field.dataset.marked = "1"
    }
  }

  if (form?.writing && state) form.telling = { show, link, button, notice, mark, isBad: () => state.dataset.kind === "bad" }
}
