/*
 * The page before a sign-up when machines may be at the door: lets a worker do the sum, shows how far it is, and then
 * leaves the button to the person. Whatever goes wrong, the way without a script stays: wait, then press.
 */
"use strict";

(() => {
  const form = document.querySelector("[data-riddle]");
  if (!form || !window.Worker) return;
  const { seed, worker: address } = form.dataset;
  const [bits, pieces, wait] = [form.dataset.bits, form.dataset.pieces, form.dataset.wait].map(Number);
  const button = form.querySelector("button");
  const says = form.querySelector("[role=status]");
  const progress = form.querySelector("progress");

  /* A status that changes right at the page's arrival is not read out by every screen reader. */
  const say = (text) => setTimeout(() => { says.textContent = text; }, 100);

  const press = (text) => {
    button.disabled = false;
    say(text);
  };

  const giveUp = () => {
    form.classList.remove("riddle-is-working");
    form.querySelector(".riddle-work").hidden = true;
    button.disabled = false;
    says.textContent = "";
  };

  let worker;
  try {
    worker = new Worker(address);
  } catch {
    return;
  }
  form.classList.add("riddle-is-working");
  form.querySelector(".riddle-work").hidden = false;
  button.disabled = true;
  say(says.dataset.working);

  worker.addEventListener("error", giveUp);
  worker.addEventListener("message", ({ data }) => {
    if (data.done) progress.value = data.done;
    if (data.answer === undefined) return;
    form.elements.answer.value = data.answer;
    worker.terminate();
    press(says.dataset.done);
  });
  worker.postMessage({ seed, bits, pieces });

  /* On a very slow device waiting is the shorter way. */
  setTimeout(() => {
    if (!form.elements.answer.value && form.classList.contains("riddle-is-working")) press(says.dataset.waited);
  }, wait * 1000);

  /* Pressed twice it would be posted twice. Coming back to the page, it can be pressed again. */
  form.addEventListener("submit", () => setTimeout(() => { button.disabled = true; }));
  window.addEventListener("pageshow", ({ persisted }) => { if (persisted) button.disabled = false; });
})();
