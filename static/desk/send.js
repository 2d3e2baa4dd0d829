// The send page: a time by the editor's own clock, a time that is chosen by being typed, and one press for one button.

function showHere(place) {
  const at = new Date(place.dataset.here);
  const form = { weekday: "short", hour: "2-digit", minute: "2-digit" };
  const here = new Intl.DateTimeFormat([], form).format(at);
  try {
    if (here === new Intl.DateTimeFormat([], { ...form, timeZone: place.dataset.zone }).format(at)) return;
  } catch {
    return; // a zone that this browser does not know
  }
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone.replaceAll("_", " ");
  place.textContent = place.dataset.words.replace("{time}", `${here} (${zone})`);
  place.hidden = false;
}

function showAll() {
  document.querySelectorAll("[data-here][hidden]").forEach(showHere);
}

showAll();
document.addEventListener("htmx:afterSettle", showAll);

document.addEventListener("input", (event) => {
  if (event.target.id === "when-local") document.getElementById("when-other").checked = true;
});

// The second press of a double click would only be told that the first was enough.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-once]")) return;
  if (event.target.dataset.pressed) event.preventDefault();
  event.target.dataset.pressed = "1";
});
