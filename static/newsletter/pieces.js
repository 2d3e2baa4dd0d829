/* What is written in a dialog: buttons, pictures, subscribe boxes, links and the titles of boxes. */
import {
  Extension,
  Link as AnyLink,
  Node,
  Plugin,
  crel,
  gettext,
  pm,
  updateAttrsDialog,
} from "django-prose-editor/editor"

/* "example.com" was meant as https://example.com, "a@example.com" as a mail address. Anything else is refused. */
const wholeAddress = (typed) => {
  const value = typed.trim()
  if (/^(https?:\/\/|mailto:)\S+$/i.test(value)) return value
  if (/^[^\s@/:]+@[^\s@/]+\.[^\s@/]+$/.test(value)) return `mailto:${value}`
  return /^[^\s:/?#]+\.[^\s:/?#]+(:\d+)?([/?#]\S*)?$/.test(value) ? `https://${value}` : null
}

/* Pages and mail programs show pictures over https only. */
const pictureAddress = (typed) => {
  const value = wholeAddress(typed)
  return value && /^https:/i.test(value) ? value : null
}

/* Ask until the address can be followed or the writer gives up. */
const ask = async (editor, properties, attrs, title) => {
  const dialog = updateAttrsDialog(properties, { title, submitText: gettext("Done") })
  let answer = { ...attrs }
  for (;;) {
    answer = await dialog(editor, answer)
    if (!answer) return editor.commands.focus() && null
    const name = ["href", "src"].find((key) => key in answer)
    if (!name) return answer
    const address = (name === "src" ? pictureAddress : wholeAddress)(answer[name])
    if (address) return { ...answer, [name]: address }
    properties[name].description = gettext("This is not an address. It begins with https://")
  }
}

/* A block that is written in a dialog, and shown, not typed into: Enter or a double click opens it again. */
const piece = (name, { look, ask: question, ...config }) =>
  Node.create({
    name,
    group: "box",
    atom: true,
    draggable: true,
    ...config,
    addNodeView() {
      return ({ node, editor }) => {
        const dom = crel("div", { className: `piece piece-${name}` })
        const show = (shown) => {
          if (shown.type.name === name) dom.replaceChildren(...look(shown.attrs))
          return shown.type.name === name
        }
        show(node)
        dom.addEventListener("dblclick", () => write(editor, name, question))
        return { dom, update: show }
      }
    },
    addKeyboardShortcuts() {
      return { Enter: () => this.editor.isActive(name) && !write(this.editor, name, question) }
    },
    addStorage: () => ({ question }),
  })

const write = (editor, name, question = editor.storage[name].question) => {
  const isThere = editor.isActive(name)
  question(editor, isThere ? editor.getAttributes(name) : {}).then((attrs) => {
    if (!attrs) return
    if (isThere) editor.chain().focus().updateAttributes(name, attrs).run()
    else editor.storage.boxes.put(editor, { type: name, attrs }, 1)
  })
}

const attribute = (read) => ({ default: null, parseHTML: read, rendered: false })

export const Button = piece("button", {
  addAttributes: () => ({
    href: attribute((element) => element.querySelector("a[href]")?.getAttribute("href") ?? null),
    label: attribute((element) => element.textContent.trim()),
  }),
  parseHTML: () => [{ tag: "p.cta", priority: 60, getAttrs: (p) => (p.querySelector("a[href]") ? null : false) }],
  renderHTML: ({ node: { attrs } }) => ["p", { class: "cta" }, ["a", { class: "btn", href: attrs.href }, attrs.label]],
  look: ({ label, href }) => [
    crel("span", { className: "piece-btn", textContent: label }),
    crel("small", { textContent: href }),
  ],
  ask: (editor, attrs) =>
    ask(
      editor,
      {
        label: { type: "string", title: gettext("Words on the button"), required: true },
        href: { type: "string", title: gettext("Where it leads"), required: true },
      },
      attrs,
      gettext("Button"),
    ),
})

export const SubscribeBox = piece("subscribeBox", {
  addAttributes: () => ({ strapline: attribute((element) => element.dataset.strapline || "") }),
  parseHTML: () => [{ tag: "div[data-block=subscribe]" }],
  renderHTML: ({ node: { attrs } }) => [
    "div",
    { "data-block": "subscribe", ...(attrs.strapline ? { "data-strapline": attrs.strapline } : {}) },
  ],
  look: ({ strapline }) => [
    crel("strong", { textContent: strapline || gettext("Your newsletter’s own strapline") }),
    crel("small", { textContent: gettext("Subscribe box: e-mail field on the web, a button in the mail") }),
  ],
  ask: (editor, attrs) =>
    ask(
      editor,
      {
        strapline: {
          type: "string",
          title: gettext("Strapline"),
          description: gettext("Leave it empty to use the newsletter’s own."),
        },
      },
      attrs,
      gettext("Subscribe box"),
    ),
})

/* Mail programs keep a picture's place free only when they know its size. */
const sizeOf = (src) =>
  new Promise((resolve) => {
    const image = new Image()
    image.onload = () => resolve({ width: image.naturalWidth || null, height: image.naturalHeight || null })
    image.onerror = () => resolve({ width: null, height: null })
    image.src = src
  })

const fromImage = (name) => attribute((figure) => figure.querySelector("img")?.getAttribute(name) ?? null)

export const Picture = piece("picture", {
  addAttributes: () => ({
    src: fromImage("src"),
    alt: fromImage("alt"),
    width: fromImage("width"),
    height: fromImage("height"),
    caption: attribute((figure) => figure.querySelector("figcaption")?.textContent.trim() ?? ""),
  }),
  parseHTML: () => [{ tag: "figure", getAttrs: (figure) => (figure.querySelector("img[src]") ? null : false) }],
  renderHTML: ({ node: { attrs } }) => {
    const { caption, ...image } = attrs
    const known = Object.fromEntries(Object.entries(image).filter(([, value]) => value !== null))
    return ["figure", { class: "img" }, ["img", known], ...(caption ? [["figcaption", caption]] : [])]
  },
  look: ({ src, alt, caption }) => [
    crel("img", { src, alt: alt || "" }),
    crel("small", { textContent: caption || alt || "" }),
  ],
  ask: async (editor, attrs) => {
    const answer = await ask(
      editor,
      {
        src: {
          type: "string",
          title: gettext("Address of the picture"),
          description: gettext("It begins with https://"),
          required: true,
        },
        alt: {
          type: "string",
          title: gettext("What it shows"),
          description: gettext("For readers who cannot see it, and for mail programs that hide pictures."),
          required: true,
        },
        caption: { type: "string", title: gettext("Caption") },
      },
      attrs,
      gettext("Picture"),
    )
    return answer && { ...answer, ...(await sizeOf(answer.src)) }
  },
})

const writeLink = async (editor) => {
  const isNew = !editor.isActive("link")
  const href = { type: "string", title: gettext("Where it leads"), required: true }
  const words = { type: "string", title: gettext("Words of the link"), required: true }
  const asked = isNew && editor.state.selection.empty ? { words, href } : { href }
  const answer = await ask(editor, asked, editor.getAttributes("link"), gettext("Link"))
  if (!answer) return
  const chain = editor.chain().focus()
  const marks = [{ type: "link", attrs: { href: answer.href } }]
  if (answer.words) chain.insertContent({ type: "text", text: answer.words, marks }).unsetMark("link").run()
  else chain.extendMarkRange("link").setMark("link", { href: answer.href }).run()
}

export const Link = AnyLink.extend({
  addMenuItems: () => {},
  addKeyboardShortcuts: () => ({ "Mod-k": ({ editor }) => !!writeLink(editor) }),
})

const rename = async (editor, name) => {
  const properties = { title: { type: "string", title: gettext("Title of the box"), required: true } }
  const answer = await ask(editor, properties, editor.getAttributes(name), gettext("Title of the box"))
  if (answer) editor.chain().focus().updateAttributes(name, answer).run()
}

/* A letter typed while a piece is selected goes on below it; it must not take its place. */
const goOnBelow = (view, _from, to, text) => {
  const { selection, schema, tr } = view.state
  if (!selection.node?.isAtom || !selection.node.isBlock) return false
  tr.insert(to, schema.nodes.paragraph.create(null, schema.text(text)))
  view.dispatch(tr.setSelection(pm.state.TextSelection.create(tr.doc, to + 1 + text.length)))
  return true
}

export const Dialogs = Extension.create({
  name: "dialogs",
  addStorage: () => ({ writeLink, rename, write }),
  addProseMirrorPlugins: () => [new Plugin({ props: { handleTextInput: goOnBelow } })],
})
