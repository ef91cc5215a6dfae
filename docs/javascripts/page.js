// What a style sheet cannot do for the page: relations under one another, and boxes and search for the keyboard
// and for screen readers.
(() => {
  const page = document.querySelector(".md-content") ?? document.body;

  // The relations of a derivation stand under one another. A row too long for it starts at the left;
  // if that is a row without a left side of its own, as on a phone, all of them do.
  const align = () => {
    for (const derivation of page.querySelectorAll(".derivation")) {
      const rows = [...derivation.querySelectorAll(".formula mjx-container")].flatMap((formula) => {
        formula.style.paddingInlineStart = "";
        const relation = formula.querySelector("mjx-math .relation");
        if (!relation) return [];
        const at = relation.getBoundingClientRect().left - formula.getBoundingClientRect().left;
        const room = formula.parentElement.clientWidth - formula.querySelector("mjx-math").scrollWidth;
        return [{ formula, at, room, size: parseFloat(getComputedStyle(formula).fontSize) }];
      });
      const furthest = Math.max(0, ...rows.map(({ at }) => at));
      const fitting = rows.filter(({ at, room }) => furthest - at <= room);
      if (rows.some((row) => row.at < 1 && !fitting.includes(row))) continue;
      for (const { formula, at, size } of fitting) {
        formula.style.paddingInlineStart = `${(furthest - at) / size}em`;
      }
    }
  };

  // A box that scrolls can be scrolled with the keyboard.
  const reach = () => {
    for (const box of page.querySelectorAll(".arithmatex, pre, .md-typeset__scrollwrap")) {
      if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible") {
        box.tabIndex = 0;
      } else {
        box.removeAttribute("tabindex");
      }
    }
  };

  document.querySelector(".md-search")?.setAttribute("aria-label", "Search"); // the theme's dialog has no name
  const steps = () => [align, reach].forEach((step) => step());
  steps();
  document.addEventListener("typeset", steps);
  window.addEventListener("resize", steps);
})();
