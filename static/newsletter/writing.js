/* The issue form: leaving with unsaved words asks first, and the subject is counted as it is typed. */
"use strict"

const form = document.getElementById("issue_form")

const words = () => JSON.stringify([...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken"))

if (form) {
  /* What the editor makes of its text while the page loads is nobody's change: we compare from the first touch on.
     A form that came back with errors holds words that are saved nowhere. */
  const cameBack = Boolean(form.querySelector(".errornote"))
  let before = null
  let isSaving = false
  const remember = () => {
    before ??= words()
  }
  for (const kind of ["pointerdown", "keydown"]) form.addEventListener(kind, remember, { capture: true, once: true })
  form.addEventListener("submit", (event) => {
    if (event.target === form) isSaving = true
  })
  addEventListener("pageshow", () => {
    isSaving = false
  })
  addEventListener("beforeunload", (event) => {
    if (!isSaving && (cameBack || (before !== null && words() !== before))) event.preventDefault()
  })

  for (const field of form.querySelectorAll("[data-counter]")) {
    const note = document.createElement("p")
    note.className = "help counter"
    const count = () => {
      note.textContent = field.dataset.counter.replace("{count}", [...field.value].length)
    }
    field.after(note)
    field.addEventListener("input", count)
    count()
  }
}
