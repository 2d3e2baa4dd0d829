/* Short messages of the editor, under its toolbar: read out, and there until they are put away. */
import { Extension, crel, gettext } from "django-prose-editor/editor"

export const say = (editor, words) => {
  const region = editor.storage.notices.region
  if ([...region.children].some((notice) => notice.firstChild.textContent === words)) return
  const close = crel("button", { type: "button", textContent: "×", "aria-label": gettext("Put this message away") })
  const notice = crel("p", { className: "editor-notice" }, [crel("span", { textContent: words }), close])
  close.addEventListener("click", () => {
    notice.remove()
    editor.view.focus()
  })
  region.append(notice)
}

export const Notices = Extension.create({
  name: "notices",
  priority: 5, // below the toolbar
  addStorage: () => ({ region: crel("div", { className: "editor-notices", role: "status", "aria-live": "polite" }) }),
  onCreate() {
    this.editor.view.dom.before(this.storage.region)
  },
})
