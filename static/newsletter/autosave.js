/*
 * The issue form saves itself: two seconds after the last change, every ten seconds while somebody writes on, and when
 * the page is left or hidden. What cannot be saved just now stays on the page, is tried again, and has a copy in this
 * browser for the case that the page is lost too.
 */
"use strict"

{
  const PAUSE = 2000 // milliseconds after the last change
  const LONGEST = 10000 // while somebody writes on
  const COPY_AFTER = 500
  const WAITS = [2000, 5000, 10000, 20000, 30000] // between tries
  const LARGEST = 6 * 1024 * 1024 // what the server reads at all; it says itself what is too long for a mail

  const form = document.getElementById("issue_form")
  const told = document.querySelector("[data-writing]")

  if (form?.writing && told) {
    const say = told.dataset
    const { words, settle, leave } = form.writing
    const { show, link, button, notice, mark, isBad } = form.telling
    const { copies, posting } = form

    let saved = null // the words that the server has, as this page sent or got them
    let isPaused = Boolean(say.paused)
    let goesOn = "" // the number of what is kept aside
    let running = null
    let tries = 0
    let timer = 0
    let firstChange = 0
    let copying = 0
    let isLeaving = false
    let isChosen = false

    /* --- the copy in this browser -------------------------------------------------------------- */

    const copy = (isSubmitted = false) => {
      clearTimeout(copying)
      copying = 0
      copies.keep({ words: words(), version: form.elements.version.value, tab: say.tab, at: Date.now(), isSubmitted })
    }

    const forget = () => {
      clearTimeout(copying)
      copying = 0
      copies.forget()
    }

    /* --- sending -------------------------------------------------------------------------------- */

    const post = (said, how = {}) => posting.post(said, { goesOn, ...how })

    const take = (sent, said) => {
      tries = 0
      if (said.waits) {
        show(said.waits)
        return
      }
      if (said.url && !say.issue) become(said)
      const slug = form.elements.slug
      const sentSlug = Object.fromEntries(JSON.parse(sent)).slug
      if (slug && said.slug && !said.errors.slug && slug.value === sentSlug && slug.value !== said.slug) {
        slug.value = said.slug
        sent = JSON.stringify(JSON.parse(sent).map(([name, value]) => [name, name === "slug" ? said.slug : value]))
      }
      form.elements.version.value = said.version
      const hasErrors = Object.keys(said.errors).length > 0
      mark(said.errors)
      saved = sent
      if (said.kept) {
        goesOn = String(said.kept)
        show(say.kept)
      } else {
        show((hasErrors ? say.wrong : say.saved).replace("{at}", said.at), hasErrors ? "bad" : "")
      }
      for (const text of said.notes ?? []) notice("consequence", text)
      if (!hasErrors && !said.kept) settle(sent)
      if (!hasErrors && words() === sent) forget()
    }

    /* The first save of a new issue: from now on this page is that issue's. */
    const become = (said) => {
      forget()
      history.replaceState(null, "", said.url)
      form.action = said.url
      Object.assign(say, { autosave: said.autosave, presence: said.presence, issue: said.url.match(/(\d+)\/change/)[1] })
      form.dispatchEvent(new CustomEvent("issue:created", { bubbles: true }))
    }

    const refused = (status, said) => {
      if (status === 409) {
        isPaused = true
        goesOn = String(said.kept ?? "")
        show(say.stopped, "bad")
        notice("conflict", said.conflict, button(say.resolve, () => submit()))
      } else if (status === 404) {
        isPaused = true
        show(said.gone ?? say.failed, "bad")
      } else if (status === 401 || (status === 403 && tries <= 2)) {
        show(say.loggedout, "bad")
        link(say.loginlink, `${say.login}?next=${encodeURIComponent(location.pathname)}`)
        again()
      } else if (status === 403) {
        show(say.refused, "bad")
        again()
      } else if (status === 413 || status === 400) {
        show(say.toolarge, "bad")
      } else {
        show(say.failed, "bad")
        again()
      }
    }

    const submit = () => {
      leave()
      form.requestSubmit(form.querySelector("[name=_save]"))
    }

    const again = () => {
      clearTimeout(timer)
      timer = setTimeout(save, WAITS[Math.min(tries, WAITS.length - 1)])
      tries += 1
    }

    const save = async () => {
      clearTimeout(timer)
      const said = words()
      if (isPaused || isLeaving || running || saved === null || said === saved) return
      firstChange = 0
      if (said.length > LARGEST) {
        show(say.toolarge, "bad")
        return
      }
      if (!tries) show(say.saving)
      running = post(said)
      try {
        const { status, said: answer } = await running
        if (status === 200) take(said, answer)
        else refused(status, answer)
      } catch {
        copy()
        show(say.lost, "bad")
        again()
      } finally {
        running = null
      }
      if (!tries && words() !== said) changed() // somebody wrote on meanwhile
    }

    const changed = () => {
      if (isPaused || isLeaving) {
        copying ||= setTimeout(copy, COPY_AFTER)
        return
      }
      if (saved === null || words() === saved) return
      copying ||= setTimeout(copy, COPY_AFTER)
      firstChange ||= Date.now()
      if (tries) return // a try is due anyway
      if (!isBad()) show(say.unsaved)
      clearTimeout(timer)
      timer = setTimeout(save, Math.max(0, Math.min(PAUSE, firstChange + LONGEST - Date.now())))
    }

    /* --- when ------------------------------------------------------------------------------------ */

    /* From the first touch on: what the editor makes of its text while the page loads is nobody's change. */
    const begin = () => {
      saved ??= words()
    }
    for (const kind of ["pointerdown", "keydown", "focusin"]) {
      form.addEventListener(kind, begin, { capture: true, once: true })
    }
    for (const kind of ["input", "change"]) form.addEventListener(kind, changed)
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget) && !tries) save()
    })
    addEventListener("online", () => {
      if (tries) save()
    })
    addEventListener("focus", () => {
      if (tries) save() // back from logging in
    })
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden" && !tries) save()
    })
    addEventListener("pagehide", () => {
      if (saved === null || isLeaving || isPaused || words() === saved) return
      copy()
      if (!running) post(words(), { keepalive: true }).catch(() => {}) // too long for it: the copy is there
    })
    addEventListener("pageshow", (event) => {
      isLeaving = isChosen = false
      if (event.persisted) location.reload() // this page does not know what became of its last words
    })

    /* Save waits for what is on its way, or the two would look like two people. */
    form.addEventListener("submit", (event) => {
      if (event.target !== form) return
      if (words().length > LARGEST) {
        event.preventDefault()
        show(say.toolarge, "bad")
        return
      }
      // A choice between two texts: what was typed last is to be found again, whichever is taken.
      const isChoice = event.submitter?.hasAttribute("formaction")
      if (isChoice && !tries && !isChosen) {
        isChosen = true // once: what the server refuses to read it refuses again
        save()
      }
      if (running) {
        event.preventDefault()
        const pressed = event.submitter
        running.catch(() => {}).finally(() => setTimeout(() => form.requestSubmit(pressed)))
        return
      }
      isLeaving = true
      clearTimeout(timer)
      leave()
      form.elements.csrfmiddlewaretoken.value = posting.token() // another tab may have logged in again
      if (isChoice) forget() // the server has both texts, and one is chosen
      else if (saved !== null) copy(true)
    })

    /* --- after a crash ---------------------------------------------------------------------------- */

    const offer = () => {
      const kept = copies.found()
      if (!kept || kept.words === words()) return forget()
      const wasSaved = kept.isSubmitted && say.mine && kept.version !== form.elements.version.value
      const cameBack = form.querySelector(".errornote")
      const becameNew = kept.isSubmitted && !say.issue && document.querySelector(".messagelist .success")
      if (wasSaved || becameNew) return forget()
      if (cameBack) return undefined
      const at = new Date(kept.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
      isPaused = true // until it is decided, for it would write over the copy
      const made = notice(
        "found",
        say.found.replace("{at}", at),
        button(say.putback, () => putBack(kept, made)),
        button(
          say.throwaway,
          () => {
            forget()
            isPaused = Boolean(say.paused)
            made.remove()
          },
          "quiet",
        ),
      )
      return undefined
    }

    /* By way of the server, so that it is read as it would have been. */
    const putBack = async (kept, made) => {
      try {
        const { status, said } = await post(kept.words, { tab: kept.tab })
        if (status === 200 && said.version && !Object.keys(said.errors).length) {
          forget()
          leave()
          location.assign(said.url ?? location.href)
          return
        }
        if (status === 409) {
          forget() // it is kept aside, and the issue's page offers it
          leave()
          location.assign(said.url ?? location.href)
          return
        }
        for (const [name, value] of JSON.parse(kept.words)) {
          const field = form.elements[name]
          if (field && "value" in field && name !== "body") field.value = value
        }
        mark(said.errors ?? {})
        show(said.waits ?? say.failed, "bad")
        made.querySelector("button").focus()
      } catch {
        show(say.lost, "bad")
      }
    }

    offer()
  }
}
