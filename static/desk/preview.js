/* The live preview beside the form of an issue. What stands in the form is sent after each pause in writing, and comes
   back as a page that takes the last one's place in the frame: no flash, and the same lines stay in sight. */
"use strict";

(() => {
  const PAUSE = 400; // milliseconds after the last change
  const PATIENCE = 10000; // for an answer
  const AGAIN = 5000; // after the server could not be reached
  const STYLES_WAIT = 1500; // for the stylesheets of another face
  const KEPT = "courant.preview";

  const pane = document.querySelector("[data-preview]");
  const form = document.getElementById("issue_form") || document.querySelector("#content form");
  if (!pane || !form) return;

  const frame = pane.querySelector("iframe");
  const stage = pane.querySelector(".preview-stage");
  const state = pane.querySelector(".preview-state");
  const panel = pane.querySelector("[role=tabpanel]");
  const tabs = [...pane.querySelectorAll("[role=tab]")];
  const opener = document.querySelector(".preview-open");
  const root = document.documentElement;
  const wide = matchMedia("(min-width: 75rem)");
  const kept = remembered();
  let reader = "";
  let shown = ""; // the face and the form as they were sent last
  let asked = null;
  let timer = 0;

  function remembered() {
    try {
      return { open: true, face: "web", ...JSON.parse(localStorage.getItem(KEPT) || "{}") };
    } catch {
      return { open: true, face: "web" };
    }
  }

  const remember = () => {
    try {
      localStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      /* a browser that keeps nothing; it is open the next time */
    }
  };

  const urlOf = (face) => {
    const url = new URL(pane.dataset.preview, location.href);
    url.pathname = url.pathname.replace(/[^/]+\/$/, `${face}/`);
    if (reader) url.searchParams.set("reader", reader);
    return url;
  };

  /* Without files: none is shown that is not uploaded already. */
  const written = () => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && name !== "csrfmiddlewaretoken") fields.append(name, value);
    }
    return fields;
  };

  /* The cookie's is still right after somebody logged in anew in another tab. */
  const token = () =>
    document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || form.elements.csrfmiddlewaretoken?.value || "";

  const later = (pause = PAUSE) => {
    if (!isOpen()) return;
    clearTimeout(timer);
    timer = setTimeout(render, pause);
  };

  const isNew = () => pane.dataset.preview.includes("/issues/0/");
  const isOpen = () => kept.open && wide.matches && !isNew();

  /* The first save of a new issue gave it a number. */
  const become = () => {
    const number = location.pathname.match(/(\d+)\/change\/$/)?.[1];
    if (!number || !isNew()) return;
    const named = (url) => url.replace("/issues/0/", `/issues/${number}/`);
    pane.dataset.preview = named(pane.dataset.preview);
    for (const each of pane.querySelectorAll("[data-readers]")) each.dataset.readers = named(each.dataset.readers);
    for (const link of document.querySelectorAll(".preview-link a, .preview-whole")) link.href = named(link.href);
    document.querySelector(".preview-link").hidden = false;
    arrange();
  };

  async function render() {
    const fields = written();
    const key = `${kept.face} ${reader} ${fields}`;
    if (key === shown) return;
    asked?.abort();
    const mine = (asked = new AbortController());
    const limit = setTimeout(() => mine.abort("late"), PATIENCE);
    try {
      const headers = { "X-CSRFToken": token() };
      const answer = await fetch(urlOf(kept.face), { method: "POST", headers, body: fields, signal: mine.signal });
      if (answer.redirected) return say(pane.dataset.loggedOut);
      const isFace = (answer.headers.get("Content-Security-Policy") || "").startsWith("sandbox");
      if (!isFace) return say(pane.dataset.notShown);
      const html = await answer.text();
      if (mine !== asked) return;
      await show(html);
      shown = key;
      say("");
    } catch (error) {
      if (mine !== asked) return; // a newer one is on its way
      say(pane.dataset.away);
      later(AGAIN);
    } finally {
      clearTimeout(limit);
    }
  }

  const say = (words) => {
    if (state.textContent !== words) state.textContent = words;
    state.hidden = !words;
  };

  const stylesOf = (head) =>
    [...head.querySelectorAll("style, link[rel=stylesheet]")].map((each) => each.outerHTML).join("\n");

  /* The parts are made in the frame's own page, whose policy lets a mail have its style attributes. */
  async function show(html) {
    const page = await ready();
    const fresh = page.createElement("html");
    fresh.innerHTML = html;
    const [head, body] = [fresh.querySelector("head"), fresh.querySelector("body")];
    const top = page.scrollingElement?.scrollTop || 0;
    const isSameFace = stage.dataset.face === kept.face;
    for (const name of ["lang", "dir"]) {
      const found = html.match(new RegExp(`<html[^>]*\\s${name}="([^"]*)"`));
      if (found) page.documentElement.setAttribute(name, found[1]);
      else page.documentElement.removeAttribute(name);
    }
    if (stylesOf(page.head) !== stylesOf(head)) {
      stage.classList.add("is-changing");
      page.head.replaceWith(head);
      await styled(head);
    }
    page.body.replaceWith(body);
    stage.dataset.face = kept.face;
    stage.classList.remove("is-changing");
    if (page.scrollingElement) page.scrollingElement.scrollTop = isSameFace ? top : 0;
  }

  const styled = (head) => {
    const loaded = [...head.querySelectorAll("link[rel=stylesheet]")].map(
      (link) =>
        new Promise((done) => {
          link.addEventListener("load", done, { once: true });
          link.addEventListener("error", done, { once: true });
        }),
    );
    return Promise.race([Promise.all(loaded), new Promise((done) => setTimeout(done, STYLES_WAIT))]);
  };

  /* The frame holds a face as saved before the first one of the form is put into it. */
  function ready() {
    const page = frame.contentDocument;
    if (page && frame.dataset.loaded) return page;
    return new Promise((done, failed) => {
      frame.addEventListener(
        "load",
        () => {
          const loaded = frame.contentDocument;
          if (!loaded?.body || loaded.URL === "about:blank") return failed(new Error("not loaded"));
          frame.dataset.loaded = "yes";
          done(loaded);
        },
        { once: true },
      );
      frame.src = urlOf(kept.face);
    });
  }

  const choose = (face) => {
    kept.face = face;
    remember();
    for (const tab of tabs) {
      const isChosen = tab.dataset.face === face;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen) panel.setAttribute("aria-labelledby", tab.id);
    }
    later(0);
  };

  const arrange = () => {
    const isShown = isOpen();
    pane.hidden = !isShown;
    opener.hidden = kept.open || !wide.matches || isNew();
    opener.setAttribute("aria-expanded", String(isShown));
    root.classList.toggle("is-previewing", isShown);
    later(0);
  };

  pane.querySelector(".preview-tabs").addEventListener("keydown", (event) => {
    const place = tabs.indexOf(event.target);
    const turned = getComputedStyle(pane).direction === "rtl" ? -1 : 1;
    const to = { ArrowRight: place + turned, ArrowLeft: place - turned, Home: 0, End: tabs.length - 1 }[event.key];
    if (place < 0 || to === undefined) return;
    event.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    tab.focus();
    choose(tab.dataset.face);
  });
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab.dataset.face));
  pane.querySelector(".preview-close").addEventListener("click", () => {
    kept.open = false;
    remember();
    arrange();
    opener.focus();
  });
  opener.addEventListener("click", () => {
    kept.open = true;
    remember();
    arrange();
    tabs.find((tab) => tab.tabIndex === 0)?.focus();
  });
  pane.addEventListener("reader", (event) => {
    reader = event.detail;
    later(0);
  });
  for (const kind of ["input", "change", "keyup", "click", "drop", "paste"]) {
    form.addEventListener(kind, (event) => pane.contains(event.target) || later());
  }
  form.addEventListener("issue:created", become);
  wide.addEventListener("change", arrange);
  addEventListener("online", () => later(0));

  choose(tabs.some((tab) => tab.dataset.face === kept.face) ? kept.face : "web");
  arrange();
})();
