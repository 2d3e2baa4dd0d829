/* Pictures: what is asked about one, and how it looks while it is written. How they come in is in arrivals.js. */
import { crel, gettext } from "django-prose-editor/editor"
import { ask, pictureAddress } from "newsletter/dialogs"
import { attribute, piece } from "newsletter/pieces"

/* Mail programs keep a picture's place free only when they know its size. */
const sizeOf = (src) =>
  new Promise((resolve) => {
    const image = new Image()
    image.onload = () => resolve({ width: image.naturalWidth || null, height: image.naturalHeight || null })
    image.onerror = () => resolve({ width: null, height: null })
    image.src = src
  })

const address = (src) => ({
  name: "src",
  label: gettext("Address of the picture"),
  help: gettext("It begins with https://"),
  value: src,
  isRequired: true,
  check: pictureAddress,
  wrong: gettext("This is not an address. It begins with https://"),
})

/* No words at all (null) means that nobody has said yet; empty words, that readers need none. */
const description = ({ alt, caption }) => [
  {
    name: "alt",
    label: gettext("What it shows"),
    help: gettext("For readers who cannot see it, and for mail programs that hide pictures."),
    value: alt,
    isRequired: true,
    missing: gettext("Say in a few words what it shows, or tick the box below."),
  },
  {
    name: "isDecorative",
    type: "checkbox",
    label: gettext("It only decorates"),
    help: gettext("It says nothing that the words around it do not say; it is not read out."),
    value: alt === "",
    spares: "alt",
  },
  { name: "caption", label: gettext("Caption"), help: gettext("Stands below it, for everybody."), value: caption },
]

const preview = (src) => crel("img", { src, alt: "", className: "editor-dialog__preview" })

/* An uploaded picture stays where it is; only one from elsewhere is known by an address that may be changed. */
export const askPicture = async (editor, attrs, title = gettext("Picture")) => {
  const isOurs = attrs.src?.startsWith("/")
  const { isDecorative, ...answer } =
    (await ask(editor, {
      title,
      before: attrs.src ? [preview(attrs.src)] : [],
      fields: [...(isOurs ? [] : [address(attrs.src)]), ...description(attrs)],
    })) ?? {}
  if (isDecorative === undefined) return null
  const changed = { ...attrs, ...answer, alt: isDecorative ? "" : answer.alt }
  return changed.src === attrs.src && attrs.width ? changed : { ...changed, ...(await sizeOf(changed.src)) }
}

const note = (alt) => {
  if (alt) return [crel("small", { textContent: gettext("Read out as: {alt}").replace("{alt}", alt) })]
  if (alt === "") return [crel("small", { className: "piece-mark", textContent: gettext("Decorates only") })]
  const words = gettext("Nobody has said yet what it shows")
  return [crel("small", { className: "piece-mark piece-mark--open", textContent: words })]
}

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
    ...(caption ? [crel("span", { className: "piece-caption", textContent: caption })] : []),
    ...note(alt),
  ],
  question: (editor, attrs) => askPicture(editor, attrs),
})
