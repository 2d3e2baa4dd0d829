/* The editor's questions: one labelled dialog, its mistakes said at the field, everything reachable by keyboard. */
import { crel, gettext } from "django-prose-editor/editor"

let count = 0

/* A field is {name, label, help, value, type, isRequired, check, wrong, spares}: `check` gives the answer as it is
   kept, or null; `wrong` says what to do then; a ticked box `spares` the field of that name from being answered. */
const controlOf = (field, id) => {
  const { name, value, type = "text" } = field
  const control = crel(type === "textarea" ? "textarea" : "input", { id, name, autocomplete: "off" })
  if (type === "textarea") control.rows = field.rows ?? 3
  else control.type = type
  if (type === "checkbox") control.checked = Boolean(value)
  else control.value = value ?? ""
  if (field.isRequired) control.setAttribute("aria-required", "true")
  return control
}

const rowOf = (field) => {
  const id = `editor-dialog-${++count}`
  const control = controlOf(field, id)
  const label = crel("label", { htmlFor: id, textContent: field.label })
  const help = crel("p", { id: `${id}-help`, className: "editor-dialog__help", textContent: field.help ?? "" })
  const error = crel("p", { id: `${id}-error`, className: "editor-dialog__error", role: "alert" })
  const isBox = field.type === "checkbox"
  const parts = isBox ? [control, label, help, error] : [label, help, control, error]
  control.setAttribute("aria-describedby", `${help.id} ${error.id}`)
  const dom = crel("div", { className: `editor-dialog__row${isBox ? " editor-dialog__row--box" : ""}` }, parts)
  return { field, control, error, dom }
}

/* The answer as it is kept; null when it will not do. */
const answerOf = ({ field, control }) => {
  if (field.type === "checkbox") return control.checked
  const typed = field.type === "textarea" ? control.value : control.value.trim()
  if (field.isRequired && !typed.trim()) return null
  return field.check && typed ? field.check(typed) : typed
}

const judge = (row, isSpared) => {
  const answer = isSpared ? "" : answerOf(row)
  const isEmpty = !row.control.value.trim()
  const words = isEmpty ? (row.field.missing ?? gettext("Please fill this in.")) : row.field.wrong
  row.error.textContent = answer === null ? words : ""
  row.control.setAttribute("aria-invalid", String(answer === null))
  return answer
}

const answersOf = (rows) => {
  const spared = new Set(rows.filter((row) => row.control.checked).map((row) => row.field.spares))
  const answers = Object.fromEntries(rows.map((row) => [row.field.name, judge(row, spared.has(row.field.name))]))
  const wrong = rows.find((row) => answers[row.field.name] === null)
  wrong?.control.focus()
  return wrong ? null : answers
}

/* What is spared is greyed, but keeps its words: the box may be unticked again. */
const linkBoxes = (rows) => {
  for (const { field, control } of rows.filter((row) => row.field.spares)) {
    const other = rows.find((row) => row.field.name === field.spares)
    const settle = () => {
      other.control.disabled = control.checked
      other.error.textContent = ""
    }
    control.addEventListener("change", settle)
    settle()
  }
}

const build = ({ title, fields, before = [], done = gettext("Done") }) => {
  const heading = crel("h2", { id: `editor-dialog-${++count}`, className: "editor-dialog__title", textContent: title })
  const rows = fields.map(rowOf)
  const submit = crel("button", { type: "submit", className: "editor-dialog__done", textContent: done })
  const cancel = crel("button", { type: "button", textContent: gettext("Cancel") })
  const form = crel("form", { noValidate: true }, [
    heading,
    ...before,
    ...rows.map(({ dom }) => dom),
    crel("div", { className: "editor-dialog__buttons" }, [submit, cancel]),
  ])
  const dialog = crel("dialog", { className: "editor-dialog", "aria-labelledby": heading.id }, [form])
  cancel.addEventListener("click", () => dialog.close())
  linkBoxes(rows)
  return { dialog, form, rows }
}

/* The answers by name, or null when the writer gave up. The dialog hangs on the page, not in the issue's own form. */
export const ask = (editor, question) =>
  new Promise((resolve) => {
    const { dialog, form, rows } = build(question)
    const finish = (answers) => {
      dialog.remove()
      editor.view.focus()
      resolve(answers) // at once: the next key that is pressed comes after what is put in
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      const answers = answersOf(rows)
      if (answers) finish(answers)
    })
    dialog.addEventListener("close", () => finish(null))
    document.body.append(dialog)
    dialog.showModal()
    rows.find(({ control }) => !control.disabled)?.control.focus()
  })

/* "example.com" was meant as https://example.com, "a@example.com" as a mail address. Anything else is refused. */
export const wholeAddress = (typed) => {
  const value = typed.trim()
  if (/^(https?:\/\/|mailto:)[^\s/]\S*$/i.test(value)) return value
  if (/^[^\s@/:]+@[^\s@/]+\.[^\s@/]+$/.test(value)) return `mailto:${value}`
  if (/^\/(?![/\\])\S*$/.test(value)) return value
  return /^[^\s:/?#]+\.[^\s:/?#]+(:\d+)?([/?#]\S*)?$/.test(value) ? `https://${value}` : null
}

/* Pages and mail programs show pictures over https only; our own stand under a path of the site. */
export const pictureAddress = (typed) => {
  const value = wholeAddress(typed)
  return value && /^(https:|\/)/i.test(value) ? value : null
}

export const notAnAddress = gettext("This is not an address. It begins with https://")
