/* Who else has this issue open: every page with it says so every few seconds, and is told of the others. */
"use strict"

{
  const EVERY = 10000 // milliseconds
  const form = document.getElementById("issue_form")
  const told = document.querySelector("[data-writing]")
  const place = document.querySelector("[data-others]")

  if (form && told && place) {
    const tab = crypto.randomUUID?.() ?? String(Math.random()).slice(2)
    told.dataset.tab = tab

    const token = () => /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? form.elements.csrfmiddlewaretoken.value

    const tell = (words, { keepalive = false } = {}) =>
      fetch(told.dataset.presence, {
        method: "POST",
        headers: { "X-CSRFToken": token() },
        body: new URLSearchParams({ tab, ...words }),
        redirect: "manual",
        credentials: "same-origin",
        keepalive,
      })

    const show = (others) => {
      const said = others.join(" ")
      if (place.dataset.said === said) return
      place.dataset.said = said
      place.replaceChildren(
        ...others.map((text) => {
          const line = document.createElement("p")
          line.textContent = text
          return line
        }),
      )
    }

    const ask = async () => {
      if (!told.dataset.presence) return
      try {
        const answer = await tell({})
        if (answer.ok) show((await answer.json()).others)
      } catch {
        /* the saving says that the connection is lost */
      }
    }

    setInterval(ask, EVERY)
    form.addEventListener("issue:created", ask)
    addEventListener("pagehide", () => {
      if (told.dataset.presence) tell({ gone: "1" }, { keepalive: true }).catch(() => {})
    })
    ask()
  }
}
