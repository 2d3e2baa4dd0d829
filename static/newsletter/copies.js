/* A copy of unsaved words in this browser, for each person and issue, in case the page itself is lost. */
"use strict"

{
  const form = document.getElementById("issue_form")
  const told = document.querySelector("[data-writing]")

  if (form && told) {
    const name = (issue) => `courant.words.${told.dataset.user}.${issue || "new"}`
    const key = () => name(told.dataset.issue)

    form.copies = {
      keep(copy) {
        try {
          localStorage.setItem(key(), JSON.stringify(copy))
        } catch {
          /* full, or not allowed: the page itself still has the words */
        }
      },
      forget(which = key()) {
        try {
          localStorage.removeItem(which)
        } catch {
          /* nothing was kept */
        }
      },
      found(which = key()) {
        try {
          return JSON.parse(localStorage.getItem(which) ?? "null")
        } catch {
          return null
        }
      },
    }

    /* A new issue that Save has just made an issue of is this one; its copy is not for the next new issue. */
    const isSaved = told.dataset.issue && document.querySelector(".messagelist .success")
    if (isSaved && form.copies.found(name(""))?.isSubmitted) form.copies.forget(name(""))
  }
}
