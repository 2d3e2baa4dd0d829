/* A copy of unsaved words in this browser, for each person and issue, in case the page itself is lost. */
"use strict"

{
  const form = document.getElementById("issue_form")
  const told = document.querySelector("[data-writing]")

  if (form && told) {
    const key = () => `courant.words.${told.dataset.user}.${told.dataset.issue || "new"}`

    form.copies = {
      keep(copy) {
        try {
          localStorage.setItem(key(), JSON.stringify(copy))
        } catch {
          /* full, or not allowed: the page itself still has the words */
        }
      },
      forget() {
        try {
          localStorage.removeItem(key())
        } catch {
          /* nothing was kept */
        }
      },
      found() {
        try {
          return JSON.parse(localStorage.getItem(key()) ?? "null")
        } catch {
          return null
        }
      },
    }
  }
}
