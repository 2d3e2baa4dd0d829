/* The issue form: leaving with unsaved words asks first, and subject and preheader are counted as they are typed. */
"use strict"

{
  const form = document.getElementById("issue_form")
  const told = document.querySelector("[data-writing]")

  /* The words of the form, whatever else is in it. */
  const words = () =>
    JSON.stringify(
      [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !OURS.has(name)),
    )
  const OURS = new Set(["csrfmiddlewaretoken", "version", "_save", "_send", "_preview", "reader"])

  if (form && told) {
    /* What the editor makes of its text while the page loads is nobody's change: we compare from the first touch on.
       A form that came back with errors holds words that are saved nowhere. */
    const cameBack = Boolean(form.querySelector(".errornote"))
    let before = null
    let isSaving = false
    const remember = () => {
      before ??= words()
    }
    for (const kind of ["pointerdown", "keydown", "focusin"]) {
      form.addEventListener(kind, remember, { capture: true, once: true })
    }
    form.addEventListener("submit", (event) => {
      if (event.target === form && !event.defaultPrevented) isSaving = true
    })
    addEventListener("pageshow", () => {
      isSaving = false
    })
    addEventListener("beforeunload", (event) => {
      if (!isSaving && hasUnsaved()) event.preventDefault()
    })
    const hasUnsaved = () => (cameBack && before === null) || (before !== null && words() !== before)

    /* For autosave.js, in the same page. */
    form.writing = {
      words,
      hasUnsaved,
      settle: (saved) => {
        before = saved
      },
      leave: () => {
        isSaving = true
      },
    }

    for (const field of form.querySelectorAll("[data-counter]")) {
      const note = document.createElement("p")
      note.className = "help counter"
      const count = () => {
        const length = [...field.value].length
        const most = Number(field.dataset.most)
        const isTooLong = most && length > most
        const said = isTooLong ? told.dataset.toolong : field.dataset.counter
        note.textContent = said.replace("{count}", length).replace("{most}", most)
        note.classList.toggle("is-too-long", Boolean(isTooLong))
      }
      field.after(note)
      field.addEventListener("input", count)
      count()
    }
  }
}
