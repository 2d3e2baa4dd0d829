/* Choosing a reader by the beginning of an address: a combobox with a list (WAI-ARIA 1.2), for keyboard and mouse.
   Tells of the choice by a "reader" event whose detail is the reader's number, "" for nobody in particular. */
"use strict";

(() => {
  const PAUSE = 200; // milliseconds after the last key

  class Chooser {
    constructor(root) {
      this.root = root;
      this.input = root.querySelector("[role=combobox]");
      this.list = root.querySelector("[role=listbox]");
      this.known = root.querySelector(".reader-known");
      this.clear = root.querySelector(".reader-clear");
      this.field = root.querySelector("input[type=hidden]");
      this.active = -1;
      this.chosen = this.input.value;
      this.input.addEventListener("input", () => this.later());
      this.input.addEventListener("keydown", (event) => this.key(event));
      this.input.addEventListener("blur", () => this.leave());
      this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
      this.list.addEventListener("click", (event) => this.choose(event.target.closest("[role=option]")));
      this.clear.addEventListener("click", () => this.nobody());
    }

    later() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), PAUSE);
    }

    async search() {
      const words = this.input.value.trim();
      if (!words) {
        this.close();
        this.known.textContent = this.known.dataset.hint;
        return;
      }
      this.asked?.abort();
      this.asked = new AbortController();
      try {
        const url = `${this.root.dataset.readers}?q=${encodeURIComponent(words)}`;
        const answer = await fetch(url, { signal: this.asked.signal, headers: { Accept: "application/json" } });
        this.show((await answer.json()).readers);
      } catch (error) {
        if (error.name === "AbortError") return;
        this.close();
        this.known.textContent = this.known.dataset.away;
      }
    }

    show(readers) {
      this.active = -1;
      this.list.replaceChildren(...readers.map((reader, place) => this.option(reader, place)));
      this.list.hidden = !readers.length;
      this.input.setAttribute("aria-expanded", String(Boolean(readers.length)));
      this.input.removeAttribute("aria-activedescendant");
      this.known.textContent = readers.length ? "" : this.known.dataset.none;
    }

    option(reader, place) {
      const item = document.createElement("li");
      item.id = `${this.list.id}-${place}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.number = reader.id;
      item.dataset.address = reader.address;
      item.dataset.known = reader.known;
      item.append(reader.address);
      if (reader.known) {
        const known = document.createElement("small");
        known.textContent = ` ${reader.known}`;
        item.append(known);
      }
      return item;
    }

    key(event) {
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key === "Enter") {
        event.preventDefault(); // it would save the form around it
        if (this.active >= 0) this.choose(this.list.children[this.active]);
      } else if (event.key === "Escape" && !this.list.hidden) {
        event.stopPropagation();
        this.close();
      } else if (event.key in steps) {
        event.preventDefault();
        if (this.list.hidden) this.search();
        else this.move(steps[event.key]);
      }
    }

    move(step) {
      const count = this.list.children.length;
      this.active = (this.active + step + (this.active < 0 && step < 0 ? count + 1 : count)) % count;
      [...this.list.children].forEach((item, place) => {
        item.setAttribute("aria-selected", String(place === this.active));
      });
      const item = this.list.children[this.active];
      this.input.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    }

    choose(item) {
      if (!item) return;
      this.input.value = this.chosen = item.dataset.address;
      this.known.textContent = item.dataset.known;
      this.clear.hidden = false;
      this.close();
      this.tell(item.dataset.number);
    }

    nobody() {
      this.input.value = this.chosen = "";
      this.known.textContent = "";
      this.clear.hidden = true;
      this.close();
      this.input.focus();
      this.tell("");
    }

    /* Words that name nobody are not left standing there as if they did. */
    leave() {
      clearTimeout(this.timer);
      this.asked?.abort();
      this.close();
      if (!this.input.value.trim() && this.chosen) {
        this.nobody();
      } else {
        this.input.value = this.chosen;
        if (!this.chosen) this.known.textContent = "";
      }
    }

    close() {
      this.active = -1;
      this.list.hidden = true;
      this.input.setAttribute("aria-expanded", "false");
      this.input.removeAttribute("aria-activedescendant");
    }

    tell(number) {
      if (this.field) this.field.value = number;
      this.root.dispatchEvent(new CustomEvent("reader", { bubbles: true, detail: number }));
    }
  }

  for (const root of document.querySelectorAll("[data-readers]")) new Chooser(root);
})();
