/* Pictures that arrive by button, paste or drop: each waits in its place until the server has it.

What waits is drawn beside the text, not in it: an issue saved meanwhile holds no half picture, and one that was
refused stays to be tried again, with nothing else lost. */
import { Extension, Plugin, crel, gettext, pm } from "django-prose-editor/editor"
import { say } from "newsletter/notices"
import { askPicture } from "newsletter/pictures"
import { refusalOf, upload } from "newsletter/uploads"

const { PluginKey } = pm.state
const { Decoration, DecorationSet } = pm.view

const key = new PluginKey("arrivals")
let count = 0

const textareaOf = (editor) => editor.options.element.querySelector("textarea")
/* The cookie's: the form's own is worth nothing any more once somebody has logged in again in another tab. */
const token = (editor) =>
  /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ??
  editor.view.dom.closest("form")?.querySelector("[name=csrfmiddlewaretoken]")?.value ??
  ""

export const canUpload = (editor) => Boolean(textareaOf(editor)?.dataset.uploadUrl)

const placeOf = (editor, arrival) => {
  const isIt = ({ id }) => id === arrival.id
  return key.getState(editor.state).find(undefined, undefined, isIt)[0]
}

const forget = (editor, arrival) => editor.view.dispatch(editor.state.tr.setMeta(key, { remove: arrival.id }))

/* Where a picture may stand: between the blocks around the place, not in the middle of a sentence. */
const gapAt = ({ doc, schema }, position) => {
  const $place = doc.resolve(position)
  for (let depth = $place.depth; depth > 0; depth--) {
    const next = $place.index(depth - 1) + 1
    const isBlank = $place.node(depth).isTextblock && !$place.node(depth).content.size
    const fits = $place.node(depth - 1).canReplaceWith(next, next, schema.nodes.picture)
    if (fits) return isBlank ? $place.before(depth) : $place.after(depth)
  }
  return position
}

const draw = (editor, arrival) => {
  const bar = crel("progress", { max: 1, value: 0, "aria-label": gettext("Bringing the picture to the server") })
  const words = crel("span", { className: "arrival__words", role: "status", textContent: arrival.file.name })
  const again = crel("button", { type: "button", textContent: gettext("Try again"), hidden: true })
  const drop = crel("button", { type: "button", textContent: gettext("Leave it out") })
  const dom = crel("div", { className: "arrival", contentEditable: "false" }, [words, bar, again, drop])
  again.addEventListener("click", () => bring(editor, arrival))
  drop.addEventListener("click", () => {
    arrival.cancel?.()
    forget(editor, arrival)
    editor.view.focus()
  })
  return Object.assign(arrival, { dom, bar, words, again })
}

const refuse = ({ dom, bar, words, again, file }, error, { isFinal = false } = {}) => {
  dom.classList.add("arrival--refused")
  words.textContent = `${file.name ? `${file.name}: ` : ""}${error}`
  bar.hidden = true
  again.hidden = isFinal
}

/* Into the text, without the cursor going anywhere. */
const settle = (editor, arrival, { src, width, height }) => {
  const place = placeOf(editor, arrival)
  if (!place) return
  const { alt = null, caption = "" } = arrival
  const { tr, schema } = editor.state
  const picture = schema.nodes.picture.create({ src, width: String(width), height: String(height), alt, caption })
  editor.view.dispatch(tr.setMeta(key, { remove: arrival.id }).insert(place.from, picture))
  if (!arrival.alt) editor.storage.arrivals.ask(src)
}

const bring = async (editor, arrival) => {
  const wrong = refusalOf(arrival.file)
  if (wrong) return refuse(arrival, wrong, { isFinal: true })
  const { dom, bar, words, again, file } = arrival
  dom.classList.remove("arrival--refused")
  words.textContent = file.name
  bar.hidden = false
  again.hidden = true
  const progress = (share) => {
    bar.value = share
  }
  const url = textareaOf(editor).dataset.uploadUrl
  const { promise, cancel } = upload(file, { url, token: token(editor), progress })
  arrival.cancel = cancel
  try {
    const answer = await promise
    if (answer.note) say(editor, answer.note)
    settle(editor, arrival, answer)
  } catch (error) {
    refuse(arrival, error.message)
  }
}

export const receive = (editor, files, position = editor.state.selection.to) => {
  const place = gapAt(editor.state, position)
  const arrivals = [...files].map((file) => draw(editor, { id: ++count, file }))
  const add = arrivals.map((arrival) => ({ arrival, place }))
  editor.view.dispatch(editor.state.tr.setMeta(key, { add }))
  for (const arrival of arrivals) bring(editor, arrival)
}

export const choose = (editor) => {
  const input = crel("input", { type: "file", accept: "image/*", multiple: true, hidden: true })
  input.addEventListener("change", () => receive(editor, input.files))
  input.addEventListener("change", () => input.remove())
  input.addEventListener("cancel", () => input.remove())
  document.body.append(input) // some browsers open no chooser for an input that is nowhere
  input.click()
}

/* Each picture is asked about right after it came, one after the other; who closes the question may answer later. */
const questions = (editor) => {
  let last = Promise.resolve()
  const find = (src) => {
    let found = null
    editor.state.doc.descendants((node, position) => {
      const isOpen = node.type.name === "picture" && node.attrs.src === src && node.attrs.alt === null
      if (isOpen) found ??= { node, position }
    })
    return found
  }
  const ask = async (src) => {
    const before = find(src)
    const attrs = before && (await askPicture(editor, before.node.attrs, gettext("What does this picture show?")))
    const now = attrs && find(src)
    if (now) editor.view.dispatch(editor.state.tr.setNodeMarkup(now.position, undefined, attrs))
  }
  return (src) => {
    last = last.then(() => ask(src))
  }
}

const pictureFiles = (transfer) => [...(transfer?.files ?? [])]

/* Word puts a photograph of the words beside them; whoever copied words wants the words. */
const holdsWords = (transfer) => {
  const html = transfer.getData("text/html")
  if (!html) return Boolean(transfer.getData("text/plain").trim())
  return Boolean(new DOMParser().parseFromString(html, "text/html").body.textContent.trim())
}

const onPaste = (editor) => (_view, event) => {
  const files = pictureFiles(event.clipboardData)
  if (!files.length || !canUpload(editor) || holdsWords(event.clipboardData)) return false
  receive(editor, files)
  return true
}

const onDrop = (editor) => (view, event, _slice, isMove) => {
  const files = isMove ? [] : pictureFiles(event.dataTransfer)
  if (!files.length || !canUpload(editor)) return false
  event.preventDefault()
  const place = view.posAtCoords({ left: event.clientX, top: event.clientY })
  receive(editor, files, place?.pos ?? view.state.doc.content.size)
  return true
}

const fileOf = (src) => {
  const [, kind, data] = /^data:(image\/[\w.+-]+);base64,(.+)$/s.exec(src.replace(/\s/g, "")) ?? []
  if (!kind) return null
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
  return new File([bytes], gettext("Pasted picture"), { type: kind })
}

/* Pasted HTML may hold whole pictures as data: they are taken out in the same step, and brought to the server. */
const takeOut = (editor) => (_transactions, _before, state) => {
  const found = []
  state.doc.descendants((node, position) => {
    if (node.type.name === "picture" && node.attrs.src?.startsWith("data:")) found.push({ node, position })
  })
  if (!found.length) return null
  const tr = state.tr
  const add = []
  for (const { node, position } of found.reverse()) {
    const isAlone = tr.doc.resolve(position).parent.childCount === 1
    tr.replaceWith(position, position + node.nodeSize, isAlone ? state.schema.nodes.paragraph.create() : [])
    const file = canUpload(editor) && fileOf(node.attrs.src)
    const { alt, caption } = node.attrs
    if (file) add.unshift({ arrival: draw(editor, { id: ++count, file, alt, caption }), from: position })
  }
  const map = tr.mapping
  for (const each of add) each.place = map.map(each.from)
  queueMicrotask(() => add.forEach(({ arrival }) => bring(editor, arrival)))
  return tr.setMeta(key, { add })
}

const waiting = {
  init: () => DecorationSet.empty,
  apply: (tr, set) => {
    const { add = [], remove } = tr.getMeta(key) ?? {}
    const widgets = add.map(({ arrival: { id, dom }, place }) =>
      Decoration.widget(place, dom, { id, key: `arrival-${id}`, side: -1, stopEvent: () => true }),
    )
    const kept = set.map(tr.mapping, tr.doc).add(tr.doc, widgets)
    return kept.remove(kept.find(undefined, undefined, ({ id }) => id === remove))
  },
}

/* Whoever leaves while a picture is on its way, or was refused, is asked first. */
const guard = (view) => {
  const ask = (event) => key.getState(view.state).find().length && event.preventDefault()
  addEventListener("beforeunload", ask)
  return { destroy: () => removeEventListener("beforeunload", ask) }
}

export const Arrivals = Extension.create({
  name: "arrivals",
  priority: 200, // before the editor's own way with files
  addStorage: () => ({ ask: null }),
  onBeforeCreate() {
    this.storage.ask = questions(this.editor)
  },
  addProseMirrorPlugins() {
    const props = {
      decorations: (state) => key.getState(state),
      handlePaste: onPaste(this.editor),
      handleDrop: onDrop(this.editor),
    }
    return [new Plugin({ key, state: waiting, props, view: guard, appendTransaction: takeOut(this.editor) })]
  },
})
