/* What can be put into an issue, in plain words: the toolbar's menu and the "/" menu both show this list. */
import { gettext } from "django-prose-editor/editor"
import { canUpload, choose } from "newsletter/arrivals"
import { wrap } from "newsletter/blocks"
import { write } from "newsletter/pieces"

const box = (name, icon, words, hint) => ({ name, icon, words, hint, run: (editor) => wrap(editor, name) })
const piece = (name, icon, words, hint) => ({ name, icon, words, hint, run: (editor) => write(editor, name) })

const upload = {
  name: "upload",
  icon: "image",
  words: gettext("Picture"),
  hint: gettext("From your device; you can also paste or drop it"),
  run: choose,
  isOffered: canUpload,
}

const divider = {
  name: "divider",
  icon: "horizontal_rule",
  words: gettext("Divider"),
  hint: gettext("A pause between two parts"),
  run: (editor) => editor.chain().focus().setHorizontalRule().run(),
}

const SECTIONS = [
  {
    section: gettext("In the text"),
    entries: [
      upload,
      piece("picture", "add_link", gettext("Picture by its address"), gettext("One that is on the web already")),
      piece("button", "smart_button", gettext("Button"), gettext("A link that looks like a button")),
      divider,
    ],
  },
  {
    section: gettext("Boxes"),
    entries: [
      box("take", "lightbulb", gettext("Our take"), gettext("Box with the editors’ own view")),
      box("also", "list_alt", gettext("Also worth noting"), gettext("List of short notes")),
      box("pullQuote", "format_quote", gettext("Pull quote"), gettext("A sentence set large")),
      box("joke", "mood", gettext("Joke"), gettext("The joke that opens an issue")),
      box("sponsor", "campaign", gettext("Sponsor"), gettext("An advertisement, named as one")),
    ],
  },
  {
    section: gettext("For readers"),
    entries: [
      piece("feedback", "thumb_up", gettext("Feedback line"), gettext("Was this good? Three answers, counted in the report")),
      piece("subscribeBox", "mail", gettext("Subscribe box"), gettext("For readers to whom it was passed on")),
    ],
  },
]

export const insertables = (editor) =>
  SECTIONS.map(({ section, entries }) => ({
    section,
    entries: entries
      .filter(({ isOffered }) => !isOffered || isOffered(editor))
      .map((entry) => ({ ...entry, run: () => entry.run(editor) })),
  }))
