// Seconds until an issue goes out. A comfort: the bar says the same, and undoes the same, without it.

function words(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function countDown(bar) {
  const left = bar.querySelector("[data-left]");
  const progress = bar.querySelector("progress");
  // The server said how many are left; this computer's clock may be wrong, but not by how fast it goes.
  const ends = Date.now() + Number(bar.dataset.countdown) * 1000;

  function tick() {
    if (!bar.isConnected) return; // a live part has put another in its place
    const seconds = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    if (seconds > 0) {
      const minutes = Math.floor(seconds / 60);
      const shown = minutes ? String(seconds % 60).padStart(2, "0") : seconds;
      left.textContent = words(minutes ? bar.dataset.minutes : bar.dataset.seconds, { minutes, seconds: shown });
      if (progress) progress.value = seconds;
      setTimeout(tick, 250);
      return;
    }
    bar.querySelector("[data-left-line]").textContent = bar.dataset.begins;
    if (progress) progress.removeAttribute("value");
    lookAgainSoon(bar);
  }

  if (left) tick();
  else lookAgainSoon(bar);
}

// Only where nobody is writing. Once the issue goes out, the page of sending leads to where that is watched.
function lookAgainSoon(bar) {
  if ("follow" in bar.dataset) setTimeout(() => location.replace(location.pathname), 2500);
}

document.querySelectorAll("[data-countdown]").forEach(countDown);
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== document.body) detail.elt.querySelectorAll("[data-countdown]").forEach(countDown);
});

// Back from the page after it, the bar would show what was true before.
addEventListener("pageshow", (event) => {
  if (event.persisted && document.querySelector("[data-countdown][data-follow]")) location.reload();
});
