// Live parts ask for themselves again and again. Once the session has ended, what comes is the page to log in at: a part
// of a page is no place for it, so the whole page is asked for, and leads there and back.
"use strict";

(() => {
  const login = document.currentScript.dataset.login;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { responseURL } = event.detail.xhr;
    if (!responseURL || new URL(responseURL).pathname !== login) return;
    event.detail.shouldSwap = false;
    location.reload();
  });
})();
