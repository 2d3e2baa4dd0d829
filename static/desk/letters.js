/* The mail beside its form, as the form has it: after each pause in writing it takes the last one's place in the frame. */
"use strict";

(() => {
  const PAUSE = 300; // milliseconds after the last change
  const form = document.querySelector("[data-letter]");
  const frame = document.querySelector(".letter-look iframe");
  if (!form || !frame) return;

  const stage = frame.closest(".preview-stage");
  const tabs = [...document.querySelectorAll(".letter-look [data-face]:not(.preview-stage)")];
  let current = tabs.find((tab) => tab.hasAttribute("aria-current")) || tabs[0];
  let timer = 0;
  let asked = null;

  const render = async () => {
    asked?.abort();
    const mine = (asked = new AbortController());
    const body = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(current.dataset.url, { method: "POST", body, signal: mine.signal });
      const isFace = (answer.headers.get("Content-Security-Policy") || "").startsWith("sandbox");
      if (isFace && mine === asked) show(await answer.text());
    } catch {
      /* a newer one is on its way, or the connection is away; the next change tries again */
    }
  };

  /* The parts are made in the frame's own page, whose policy lets a mail have its style attributes. */
  const show = (html) => {
    const page = frame.contentDocument;
    const top = page.scrollingElement?.scrollTop || 0;
    const fresh = page.createElement("html");
    fresh.innerHTML = html;
    for (const name of ["lang", "dir"]) {
      page.documentElement.setAttribute(name, html.match(new RegExp(`<html[^>]*\\s${name}="([^"]*)"`))?.[1] || "");
    }
    page.head.replaceWith(fresh.querySelector("head"));
    page.body.replaceWith(fresh.querySelector("body"));
    stage.dataset.face = current.dataset.face;
    if (page.scrollingElement) page.scrollingElement.scrollTop = top;
  };

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(render, PAUSE);
  });
  for (const tab of tabs) {
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      current.removeAttribute("aria-current");
      (current = tab).setAttribute("aria-current", "page");
      render();
    });
  }
  /* What was not saved yet stands in the form, and the frame begins with what is saved. */
  const begin = () => render();
  if (frame.contentDocument?.readyState === "complete" && frame.contentDocument.body?.childElementCount) begin();
  else frame.addEventListener("load", begin, { once: true });
})();
