/* How the issue stands, in one line of its form: asked for when the page is there, and after each save. */
"use strict";

(() => {
  const place = document.querySelector("[data-checks]");
  if (!place) return;

  const PAUSE = 1500; // after a save; somebody who goes on writing saves again soon
  let asked = 0;
  let shown = "";

  const look = async () => {
    const mine = ++asked;
    try {
      const answer = await fetch(place.dataset.checks, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok || mine !== asked) return;
      const said = (await answer.text()).trim();
      // Whoever has the keyboard on it keeps it there; and what is as it was is not read aloud again.
      if (said === shown || place.contains(document.activeElement)) return;
      shown = said;
      place.innerHTML = said; // our own page's markup, escaped by its template
    } catch {
      /* the line stays as it was; the page of checks itself says what is wrong */
    }
  };

  const version = document.querySelector("form [name=version]");
  const state = document.querySelector("[data-save-state]");
  let seen = version?.value;
  let waiting = 0;
  if (state && version) {
    new MutationObserver(() => {
      if (version.value === seen) return;
      seen = version.value;
      clearTimeout(waiting);
      waiting = setTimeout(look, PAUSE);
    }).observe(state, { childList: true, characterData: true, subtree: true });
  }
  look();
})();
