/* After its first save a new issue has what every issue has around its form: the steps, the checks, its revisions.
   They come from its own page, so that nothing of them is written twice. */
"use strict"

{
  const form = document.getElementById("issue_form")
  const parts = document.querySelector("[data-issue-parts]")

  /* A script that came with the page's text does not run; one that is made here does. */
  const awaken = (part) => {
    for (const asleep of part.querySelectorAll("script[src]")) {
      const script = document.createElement("script")
      script.src = asleep.getAttribute("src")
      asleep.replaceWith(script)
    }
  }

  const take = (page) => {
    const fresh = document.adoptNode(page.querySelector("[data-issue-parts]"))
    const tools = page.querySelector(".object-tools")
    if (tools) document.querySelector(".titles-and-tools").append(document.adoptNode(tools))
    parts.replaceWith(fresh)
    awaken(fresh)
    for (const name of [".breadcrumbs", "#content h1"]) {
      const [old, now] = [document.querySelector(name), page.querySelector(name)]
      if (old && now) old.replaceWith(document.adoptNode(now))
    }
    document.title = page.title
    form.elements.body.dataset.fields = page.getElementById("id_body").dataset.fields
  }

  form?.addEventListener("issue:created", async () => {
    try {
      const answer = await fetch(form.action, { headers: { Accept: "text/html" }, redirect: "error" })
      if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"))
    } catch {
      /* they come with the next save that loads the page */
    }
  })
}
