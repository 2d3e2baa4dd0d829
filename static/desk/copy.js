/* A button beside each piece of code that copies it; without a script one selects and copies by hand. */
"use strict";

for (const each of document.querySelectorAll("[data-copy]")) {
  const [text, button] = [each.querySelector("textarea"), each.querySelector("button")];
  const words = button.textContent;
  button.hidden = !navigator.clipboard;
  text.addEventListener("focus", () => text.select());
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.value);
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = words), 2000);
  });
}
