/* What comes from Word, Google Docs, mails and web pages is made into plain good HTML before the editor reads it. */
import { Extension, Plugin, gettext } from "django-prose-editor/editor"
import { listsFromWord } from "newsletter/wordlists"
import { say } from "newsletter/notices"

const each = (root, selector, change) => root.querySelectorAll(selector).forEach(change)
const unwrap = (element) => element.replaceWith(...element.childNodes)

const rename = (element, tag) => {
  const renamed = element.ownerDocument.createElement(tag)
  renamed.append(...element.childNodes)
  element.replaceWith(renamed)
  return renamed
}

const wrapContents = (element, tag) => {
  const inner = element.ownerDocument.createElement(tag)
  inner.append(...element.childNodes)
  element.append(inner)
}

const HEAVY = /^(bold|bolder|[6-9]00)$/
const BLOCKS = "p, h1, h2, h3, h4, h5, h6, ul, ol, li, blockquote, table, div, section, article, figure, hr, pre"
const FURNITURE = "script, style, meta, link, title, template, noscript, iframe, object, svg, xml, button, select"
const HIDDEN = ["display:none", "display: none", "mso-hide:all"].map((style) => `[data-style*='${style}' i]`).join()
const COUNTERS = "img[width='1'][height='1'], img[width='0'], img[height='0']"
const drop = (element) => element.remove()
const isBlock = (node) => node.nodeType === 1 && node.matches(BLOCKS)

/* Word's page furniture, whatever is not shown, and one-pixel pictures that count who looks. */
const dropUnseen = (root) => {
  const comments = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_COMMENT)
  const found = []
  while (comments.nextNode()) found.push(comments.currentNode)
  for (const comment of found) comment.remove()
  each(root, `${FURNITURE}, [hidden], ${HIDDEN}, ${COUNTERS}`, drop)
  each(root, "span[data-style*='mso-spacerun' i], .Apple-converted-space", (element) => element.replaceWith(" "))
  for (const element of [...root.querySelectorAll("*")]) if (element.localName.includes(":")) unwrap(element)
}

const LIVE = /"[^"]*"|'[^']*'|(?<![\w\-=?&])(style|on\w+)(?=\s*=)/gi // what values say is no attribute

/* The page's security policy lets no style attribute be read as one, not even in a document that nobody sees, and
   reports each: they are renamed before it is parsed, and read as text. */
export const inert = (html) =>
  html
    .replace(/<(style|script)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(LIVE, (all, name) => (name ? `data-${name}` : all)))

const styleOf = (element, name) =>
  new RegExp(`(?:^|;)\\s*${name}\\s*:\\s*([^;]+)`, "i").exec(element.dataset.style)?.[1].trim().toLowerCase() ?? ""

/* Bold and italic that are said by a style become tags; tags whose style says the opposite go. */
const readStyles = (root) => {
  for (const element of [...root.querySelectorAll("[data-style]")]) {
    const weight = styleOf(element, "font-weight")
    const slant = styleOf(element, "font-style")
    const isHeavy = HEAVY.test(weight)
    if (element.matches("b, strong") && weight && !isHeavy) unwrap(element)
    else if (element.matches("i, em") && slant === "normal") unwrap(element)
    else if (element.matches("span, font, a, p, li, td, th, div")) {
      if (isHeavy) wrapContents(element, "strong")
      if (slant === "italic") wrapContents(element, "em")
      if (styleOf(element, "text-decoration(?:-line)?").includes("line-through")) wrapContents(element, "s")
    }
  }
  each(root, "h1 b, h1 strong, h2 b, h2 strong, h3 b, h3 strong, h4 b, h4 strong", unwrap)
}

/* An issue has a title of its own: the page's becomes a heading, and the smallest become small headings. */
const levelHeadings = (root) => {
  each(root, "p.MsoTitle, h1", (heading) => rename(heading, "h2"))
  each(root, "h4, h5, h6", (heading) => rename(heading, "h3"))
}

const WRAPPERS = [
  [/(^|\.)google\.[a-z.]+$/, /^\/url$/, ["q", "url"]],
  [/\.safelinks\.protection\.outlook\.com$/, /^\//, ["url"]],
  [/^lm?\.facebook\.com$/, /^\/l\.php$/, ["u"]],
]

/* Where a link leads in the end, without the counting that Google, Outlook and others put before it. */
export const finalAddress = (href) => {
  if (!URL.canParse(href)) return href
  const { hostname, pathname, searchParams } = new URL(href)
  const wrapper = WRAPPERS.find(([host, path]) => host.test(hostname) && path.test(pathname))
  const target = wrapper?.[2].map((name) => searchParams.get(name)).find((value) => /^https?:\/\//i.test(value ?? ""))
  return target ? finalAddress(target) : href
}

const cleanLinks = (root) =>
  each(root, "a", (link) => {
    const href = finalAddress(link.getAttribute("href")?.trim() ?? "")
    if (/^(https?:\/\/|mailto:)/i.test(href)) link.setAttribute("href", href)
    else unwrap(link)
  })

/* Google puts a list within a list beside the item it belongs to. */
const nestLists = (root) =>
  each(root, "ul > ul, ul > ol, ol > ul, ol > ol", (list) => {
    const item = list.previousElementSibling
    if (item?.localName === "li") item.append(list)
  })

/* Mails cannot carry tables of words on a phone: each row becomes a paragraph, cells with whole blocks stay blocks. */
const flattenTables = (root) => {
  for (const table of [...root.querySelectorAll("table")].reverse()) {
    const parts = []
    for (const row of table.rows) {
      const cells = [...row.cells].filter((cell) => cell.textContent.trim() || cell.querySelector("img"))
      const isWhole = (cell) => cell.querySelector("ul, ol, h2, h3, figure, p + p")
      const holdsBlocks = cells.length === 1 || cells.some(isWhole)
      if (holdsBlocks) parts.push(...cells.map((cell) => rename(cell, "div")))
      else if (cells.length) parts.push(joined(cells))
    }
    table.replaceWith(...parts)
  }
}

const joined = (cells) => {
  const paragraph = cells[0].ownerDocument.createElement("p")
  for (const [place, cell] of cells.entries()) {
    each(cell, "p, div", unwrap)
    if (place) paragraph.append(" · ")
    paragraph.append(...cell.childNodes)
  }
  return paragraph
}

/* Two breaks in a row were meant as two paragraphs; breaks between blocks as nothing. */
const breakParagraphs = (root) => {
  each(root, "br.Apple-interchange-newline", (line) => line.remove())
  each(root, "br", (line) => {
    const isBetween = [line.previousSibling, line.nextSibling].some((node) => node && isBlock(node))
    if (isBetween) line.remove()
  })
  for (const block of [...root.querySelectorAll("p, div")]) {
    if (!block.querySelector(":scope > br + br") || [...block.childNodes].some(isBlock)) continue
    const html = block.innerHTML.split(/(?:<br[^>]*>\s*){2,}/)
    if (html.length > 1) block.outerHTML = html.map((part) => `<p>${part}</p>`).join("")
  }
}

const RUN = /\s*[\u00a0\t]\s*[\u00a0\t\s]+|[ \n]+\u00a0|\u00a0[ \n]+/g

/* Typing twice on the space bar is not a word; one space that must not break may be meant (10 km). */
const calmSpaces = (root) => {
  const texts = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const text = texts.currentNode
    text.data = text.data.replace(RUN, " ").replace(/^\u00a0|\u00a0$/g, " ")
  }
  each(root, "p, h2, h3, li", (block) => {
    if (!block.textContent.trim() && !block.querySelector("img")) block.remove()
  })
}

const EMOJI = /^\p{Extended_Pictographic}/u

/* A picture stands between paragraphs; what came after it in its paragraph goes on in one of its own. */
const liftOut = (figure) => {
  const block = figure.closest("p, h1, h2, h3, h4, h5, h6")
  if (!block) return
  const rest = block.ownerDocument.createRange()
  rest.setStartAfter(figure)
  rest.setEndAfter(block.lastChild)
  const after = block.cloneNode(false)
  after.append(rest.extractContents())
  block.after(figure, after)
}

/* Pictures that readers could not see are left out, and said so; those inside (data:) are uploaded by arrivals.js. */
const keepPictures = (root) => {
  let lost = 0
  each(root, "img", (image) => {
    const src = image.getAttribute("src")?.trim() ?? ""
    if (EMOJI.test(image.alt) && image.alt.length < 12) image.replaceWith(image.alt)
    else if (/^(https:\/\/|data:image\/)/i.test(src)) {
      if (!image.alt.trim()) image.removeAttribute("alt")
      if (!image.closest("figure")) {
        const figure = root.ownerDocument.createElement("figure")
        image.replaceWith(figure)
        figure.append(image)
        liftOut(figure)
      }
    } else {
      lost += 1
      image.remove()
    }
  })
  return lost
}

/* Others' classes mean other things than ours: a "lead" of a web page is no opening paragraph. */
const stripAttributes = (root) => {
  const kept = new Set(["href", "src", "alt", "width", "height", "start"])
  each(root, "*", (element) => {
    for (const { name } of [...element.attributes]) if (!kept.has(name)) element.removeAttribute(name)
  })
}

/* {html, lost}: what the editor should read, and how many pictures could not be taken along. */
export const cleaned = (html) => {
  const root = new DOMParser().parseFromString(inert(html), "text/html").body
  listsFromWord(root)
  dropUnseen(root)
  readStyles(root)
  levelHeadings(root)
  cleanLinks(root)
  nestLists(root)
  const lost = keepPictures(root)
  flattenTables(root)
  breakParagraphs(root)
  calmSpaces(root)
  stripAttributes(root)
  return { html: root.innerHTML, lost }
}

const leftOut = gettext("Pictures that cannot be reached from here were left out: {count}. Upload them one by one.")

const isOurs = (html) => html.includes("data-pm-slice")

export const Pasting = Extension.create({
  name: "pasting",
  addProseMirrorPlugins() {
    const transformPastedHTML = (html) => {
      if (isOurs(html)) return html
      const result = cleaned(html)
      if (result.lost) say(this.editor, leftOut.replace("{count}", result.lost))
      return result.html
    }
    return [new Plugin({ props: { transformPastedHTML } })]
  },
})
