/* The cover picture: chosen, uploaded at once, shown, and taken away again. */
"use strict"

for (const field of document.querySelectorAll("[data-cover]")) {
  const chosen = field.querySelector("input[type=hidden]")
  const image = field.querySelector("img")
  const file = field.querySelector("[data-cover-file]")
  const clear = field.querySelector("[data-cover-clear]")
  const state = field.querySelector("[data-cover-state]")

  const settle = (id) => {
    chosen.value = id
    image.hidden = clear.hidden = !id
    chosen.dispatchEvent(new Event("input", { bubbles: true }))
  }

  file.addEventListener("change", async () => {
    if (!file.files.length) return
    state.textContent = field.dataset.working
    const body = new FormData()
    body.append("file", file.files[0])
    const token = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? ""
    try {
      const answer = await fetch(field.dataset.upload, { method: "POST", body, headers: { "X-CSRFToken": token } })
      const said = await answer.json()
      if (!answer.ok) throw new Error(said.error)
      image.src = said.src
      image.width = said.width
      image.height = said.height
      settle(said.id)
      state.textContent = ""
    } catch (error) {
      const isOurs = !(error instanceof TypeError) && !(error instanceof SyntaxError)
      state.textContent = (isOurs && error.message) || field.dataset.failed
    }
    file.value = ""
  })

  clear.addEventListener("click", () => {
    settle("")
    image.removeAttribute("src")
    file.focus()
  })
}
