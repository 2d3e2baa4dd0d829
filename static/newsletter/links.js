/* Links: their address is asked for in plain words and can be followed from a mail. */
import { Link as AnyLink, gettext } from "django-prose-editor/editor"
import { ask, notAnAddress, wholeAddress } from "newsletter/dialogs"

export const writeLink = async (editor) => {
  const isNew = !editor.isActive("link")
  const href = {
    name: "href",
    label: gettext("Where it leads"),
    value: editor.getAttributes("link").href,
    isRequired: true,
    check: wholeAddress,
    wrong: notAnAddress,
  }
  const words = { name: "words", label: gettext("Words of the link"), isRequired: true }
  const fields = isNew && editor.state.selection.empty ? [words, href] : [href]
  const answer = await ask(editor, { title: gettext("Link"), fields })
  if (!answer) return
  const chain = editor.chain().focus()
  const marks = [{ type: "link", attrs: { href: answer.href } }]
  if (answer.words) chain.insertContent({ type: "text", text: answer.words, marks }).unsetMark("link").run()
  else chain.extendMarkRange("link").setMark("link", { href: answer.href }).run()
}

export const Link = AnyLink.extend({
  addMenuItems: () => {},
  addKeyboardShortcuts: () => ({ "Mod-k": ({ editor }) => Boolean(writeLink(editor)) }),
})
