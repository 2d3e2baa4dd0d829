/* A test that was asked for once is not asked for twice by an impatient finger; the server sees to it, too. */
"use strict";

(() => {
  const form = document.querySelector("form.test-form");
  form?.addEventListener("submit", () => {
    const button = form.querySelector("[type=submit]");
    setTimeout(() => (button.disabled = true)); // after the form is on its way
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) form?.querySelector("[type=submit]")?.removeAttribute("disabled");
  });
})();
