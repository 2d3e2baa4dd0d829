/* Word writes a list as paragraphs that say in their style which list and level they are: "mso-list:l0 level2 lfo1".
   pasting.js hands the styles on as data-style. */

const levelOf = (paragraph) => Number(/mso-list:[^;]*\blevel(\d+)/i.exec(paragraph.dataset.style ?? "")?.[1] ?? 0)

/* The bullet or number that Word typed itself, taken away; older versions leave it unmarked. */
const takeMarker = (paragraph) => {
  const isMarker = (span) => /mso-list:\s*ignore/i.test(span.dataset.style ?? "")
  const marked = [...paragraph.querySelectorAll("span")].find(isMarker)
  if (marked) {
    const marker = marked.textContent.trim()
    marked.remove()
    return marker
  }
  const first = paragraph.firstChild
  const typed = first?.nodeType === 3 ? /^\s*(·|•|§|o|\w{1,4}[.)])[\s\u00a0]+/.exec(first.data) : null
  if (typed) first.data = first.data.slice(typed[0].length)
  return typed?.[1] ?? ""
}

const kindOf = (marker) => (/^\(?[0-9a-z]{1,4}[.)]$/i.test(marker) ? "ol" : "ul")

const listFor = (document, marker) => {
  const list = document.createElement(kindOf(marker))
  const start = Number.parseInt(marker.replace("(", ""), 10)
  if (list.localName === "ol" && start > 1) list.setAttribute("start", start)
  return list
}

/* The list of that level that is still open; a deeper one hangs in the last item of the one above. */
const openList = (paragraph, open, level, marker) => {
  const isOther = open.length >= level && open[level - 1].localName !== kindOf(marker)
  open.length = Math.min(open.length, isOther ? level - 1 : level)
  while (open.length < level) {
    const list = listFor(paragraph.ownerDocument, marker)
    const above = open.at(-1)?.lastElementChild
    if (above) above.append(list)
    else if (open.length) open.at(-1).append(list)
    else paragraph.before(list)
    open.push(list)
  }
  return open.at(-1)
}

export const listsFromWord = (root) => {
  let open = []
  let last = null
  for (const paragraph of [...root.querySelectorAll("p, h1, h2, h3, div")].filter(levelOf)) {
    const list = open[0]
    if (!list || last.nextElementSibling !== paragraph) open = []
    const marker = takeMarker(paragraph)
    const item = paragraph.ownerDocument.createElement("li")
    const home = openList(paragraph, open, Math.min(levelOf(paragraph), open.length + 1), marker)
    last = open[0]
    item.append(...paragraph.childNodes)
    paragraph.remove()
    home.append(item)
  }
}
