/* How the issue form's words go to the server, and what it answers. */
"use strict"

{
  const PATIENCE = 20000 // milliseconds, for an answer

  const form = document.getElementById("issue_form")
  const told = document.querySelector("[data-writing]")

  if (form && told) {
    const say = told.dataset

    const token = () => /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? form.elements.csrfmiddlewaretoken.value

    const payload = (said, { tab, goesOn }) => {
      const fields = new URLSearchParams(JSON.parse(said))
      if (!say.issue && tab) fields.set("tab", tab) // by which the server knows a first save that comes again
      fields.set("version", form.elements.version.value)
      if (goesOn) fields.set("goes_on", goesOn)
      return fields
    }

    const post = async (said, { keepalive = false, tab = say.tab, goesOn = "" } = {}) => {
      const answer = await fetch(say.autosave, {
        method: "POST",
        headers: { "X-CSRFToken": token(), Accept: "application/json" },
        body: payload(said, { tab, goesOn }),
        redirect: "manual", // to the page for logging in
        credentials: "same-origin",
        keepalive,
        signal: keepalive ? undefined : AbortSignal.timeout(PATIENCE),
      })
      if (answer.type === "opaqueredirect" || answer.status === 401) return { status: 401, said: {} }
      const isJson = answer.headers.get("Content-Type")?.startsWith("application/json")
      return { status: answer.status, said: isJson ? await answer.json() : {} }
    }

    form.posting = { post, token }
  }
}
