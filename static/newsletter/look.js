// Shows beside the colour what becomes of it: readers must be able to read it (newsletter/rendering/palette.py).
const field = document.querySelector("input[data-look]");
const template = document.querySelector("#look-sample");
const LEGIBLE = 4.5;
const LEGIBLE_IN_THE_DARK = 6.5;

const channels = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

function luminance(colour) {
  const [red, green, blue] = channels(colour).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function mixed(colour, ground, share) {
  const under = channels(ground);
  const parts = channels(colour).map((over, at) => Math.round(over * share + under[at] * (1 - share)));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

function legible(colour, ground, towards, ratio) {
  for (let step = 0; step <= 20; step += 1) {
    const tone = mixed(towards, colour, step / 20);
    if (contrast(tone, ground) >= ratio) return tone;
  }
  return towards;
}

function show(sample, words) {
  const colour = field.value;
  const onWhite = legible(colour, "#ffffff", "#000000", LEGIBLE);
  sample.style.setProperty("--look", onWhite);
  sample.style.setProperty("--look-dark", legible(colour, "#201e1b", "#ffffff", LEGIBLE_IN_THE_DARK));
  const said = onWhite === colour ? words.dataset.fits : words.dataset.darker;
  if (words.textContent !== said) words.textContent = said; // spoken only when it changes
}

if (field && template) {
  const pieces = template.content.cloneNode(true);
  const [sample, words] = [pieces.querySelector(".look"), pieces.querySelector(".look-words")];
  field.closest(".form-row > div, .form-row").append(pieces);
  field.addEventListener("input", () => show(sample, words));
  show(sample, words);
}
