// What a style sheet cannot do for the page: relations under one another, boxes and search for the keyboard and for
// screen readers, and formulas in what a search has found.
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
    for (const box of page.querySelectorAll(".arithmatex, pre, .md-typeset__scrollwrap, .einsum > table")) {
      if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible") {
        box.tabIndex = 0;
      } else {
        box.removeAttribute("tabindex");
      }
    }
  };

  // Search has indexed the text before MathJax, so it finds TeX: it is typeset as it comes into view. Where search
  // has marked a part of a formula, that would not be TeX any more, so the marks are taken off.
  const TEX = /(<mark[^>]*>)?(\\\(.*?\\\)|\\\[.*?\\\])(<\/mark>)?/gs;
  const seen = new IntersectionObserver((entries) => {
    const results = entries.filter(({ isIntersecting }) => isIntersecting).map(({ target }) => target);
    results.forEach((result) => seen.unobserve(result));
    const formulas = results.filter((result) => result.innerHTML.search(TEX) >= 0);
    for (const result of formulas) {
      result.innerHTML = result.innerHTML.replace(TEX, (formula) => formula.replace(/<\/?mark[^>]*>/g, ""));
    }
    if (formulas.length) window.MathJax?.typesetPromise?.(formulas);
  });
  const results = document.querySelector(".md-search-result__list");
  const renewed = new MutationObserver((changes) => {
    window.MathJax?.typesetClear?.(changes.flatMap(({ removedNodes }) => [...removedNodes]));
    results.querySelectorAll(".md-search-result__article").forEach((result) => seen.observe(result));
  });
  if (results) renewed.observe(results, { childList: true });

  document.querySelector(".md-search")?.setAttribute("aria-label", "Search"); // the theme's dialog has no name
  const steps = () => [align, reach].forEach((step) => step());
  steps();
  document.addEventListener("typeset", steps);
  window.addEventListener("resize", steps);
})();
