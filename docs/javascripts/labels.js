// Labels outside of formulas, their colours, and lighting every copy of one. Without it the page reads
// the same in one colour: the letters are always there.
(() => {
  const page = document.querySelector(".md-content") ?? document.body;

  // An einsum in code, `ijk,ip->jkp`: wrap its letters. One that is not in the output is summed.
  const EINSUM = /^(["']?)([\p{L}.]*(?:,[\p{L}.]*)*)->([\p{L}.]*)\1$/u;
  const reachable = new Set();
  const wrap = (element) => {
    const source = element.textContent;
    const [, , operands, output] = source.match(EINSUM) ?? [];
    if (element.childElementCount || operands === undefined) return;
    const pieces = source.split(/(->|\p{L})/u).map((piece) => {
      if (!/^(->|\p{L})$/u.test(piece)) return piece;
      const span = document.createElement("span");
      span.textContent = piece;
      if (piece === "->") {
        span.className = "arrow"; // never broken across lines
        return span;
      }
      span.className = `ix ix-${piece}`;
      span.classList.toggle("ix-dummy", operands.includes(piece) && !output.includes(piece));
      span.dataset.ix = piece;
      // One copy of each label can be reached with the keyboard; all of them would be a maze.
      if (!reachable.has(piece) && !element.closest("a, pre")) {
        reachable.add(piece);
        span.tabIndex = 0;
      }
      return span;
    });
    element.replaceChildren(...pieces);
  };

  // The small letter that the formulas have in place of a label, where they have another one.
  const written = (label, letter) => {
    const pairs = label.closest("[data-written]")?.dataset.written.split(" ") ?? [];
    return pairs.map((pair) => [...pair]).find(([own]) => own === letter)?.[1] ?? letter;
  };

  // The first five letters of the page get a colour each, the others stay in ink.
  const rules = document.head.appendChild(document.createElement("style"));
  const colour = () => {
    const letters = new Set();
    for (const label of page.querySelectorAll(".ix")) {
      const own = [...label.classList].find((name) => /^ix-.$/u.test(name))?.slice(3);
      if (!own) continue;
      const letter = written(label, own);
      label.classList.replace(`ix-${own}`, `ix-${letter}`);
      label.dataset.ix = (label.dataset.ix ?? own).replace(own, letter); // in a picture it has none yet
      letters.add(letter);
    }
    rules.textContent = [...letters]
      .slice(0, 5)
      .map((letter, n) => `.ix-${CSS.escape(letter)} { --label: var(--label-${n + 1}); }`)
      .join("\n");
  };

  // Hovering, tapping or focusing one label lights every copy of it.
  const light = ({ target }) => {
    const label = target.closest?.(".ix")?.dataset.ix;
    document.querySelectorAll(".lit").forEach((copy) => copy.classList.remove("lit"));
    if (!label) return;
    page.querySelectorAll(`.ix[data-ix="${CSS.escape(label)}"]`).forEach((copy) => copy.classList.add("lit"));
  };

  page.querySelectorAll(":not(pre) > code, pre .s1, pre .s2").forEach(wrap);
  colour();
  document.addEventListener("typeset", colour);
  for (const event of ["pointerover", "focusin"]) document.addEventListener(event, light);
})();
