/* Each face is shown as wide as it is for those who get it on a desk, and made smaller where there is less room; a
   phone's is as wide as a phone. */
"use strict";

(() => {
  const WIDTHS = { web: 860, mail: 720, dark: 720, phone: 375, text: 720 }; // pixels

  const fit = (stage) => {
    const frame = stage.querySelector("iframe");
    const isPhone = stage.dataset.face === "phone";
    const width = isPhone ? WIDTHS.phone : Math.max(WIDTHS[stage.dataset.face], stage.clientWidth);
    const scale = Math.min(1, stage.clientWidth / width);
    frame.style.width = `${width}px`;
    frame.style.height = `${stage.clientHeight / scale}px`;
    frame.style.transform = scale < 1 ? `scale(${scale})` : "";
  };

  for (const stage of document.querySelectorAll(".preview-stage")) {
    new ResizeObserver(() => fit(stage)).observe(stage);
    new MutationObserver(() => fit(stage)).observe(stage, { attributeFilter: ["data-face"] });
  }
})();
