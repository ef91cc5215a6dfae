// Boxes that scroll, and search, for the keyboard and for screen readers; the names of columns for a phone.
(() => {
  const page = document.querySelector(".md-content") ?? document.body;

  // A box that scrolls can be scrolled with the keyboard.
  const reach = () => {
    for (const box of page.querySelectorAll(".arithmatex, pre, pre > code, .md-typeset__scrollwrap, .einsum > table")) {
      const { overflowX, overflowY } = getComputedStyle(box);
      const wide = box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(overflowX);
      const long = box.scrollHeight > box.clientHeight + 1 && /auto|scroll/.test(overflowY);
      if (wide || long) {
        box.tabIndex = 0;
      } else {
        box.removeAttribute("tabindex");
      }
    }
  };

  // On a phone the cells of a row stand below one another, each with the name of its column. Such a table is none any
  // more to a browser, so it is told what everything is. A formula has its text twice, once for screen readers.
  const nameOf = (head) => {
    const copy = head.cloneNode(true);
    copy.querySelectorAll("mjx-assistive-mml").forEach((twice) => twice.remove());
    return copy.textContent;
  };
  for (const table of page.querySelectorAll("table:not([class])")) {
    const names = [...table.querySelectorAll("thead th")].map(nameOf);
    table.setAttribute("role", "table");
    for (const row of table.rows) {
      row.setAttribute("role", "row");
      [...row.cells].forEach((cell, n) => {
        const heads = cell.tagName === "TH" && cell.textContent; // an empty head names nothing
        cell.setAttribute("role", heads ? "columnheader" : "cell");
        cell.dataset.column = names[n] ?? "";
      });
    }
  }

  // On a narrow screen the menu is a drawer: while it is shut, the keyboard passes it by.
  const [menu, drawer] = [document.querySelector(".md-sidebar--primary"), document.querySelector("#__drawer")];
  const shut = () => {
    if (menu && drawer) menu.inert = getComputedStyle(menu).position === "fixed" && !drawer.checked;
  };
  drawer?.addEventListener("change", shut);
  window.addEventListener("resize", shut);
  shut();

  document.querySelector(".md-search")?.setAttribute("aria-label", "Search"); // the theme's dialog has no name
  // The theme has a landmark for the buttons of each block of code: too many to be of use.
  const unmark = () => document.querySelectorAll(".md-code__nav").forEach((nav) => nav.setAttribute("role", "none"));
  reach();
  window.addEventListener("load", unmark);
  window.addEventListener("load", reach); // the theme has put tables into boxes, and the fonts are there
  window.addEventListener("resize", reach);
  document.addEventListener("einsum-doc:content", reach); // what the page try/ has made
})();
