// The labels in code and pictures, and lighting every copy of one. Without it, code is in one colour.
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
      if (!reachable.has(piece) && !element.closest("a, pre, [aria-hidden]")) {
        reachable.add(piece);
        span.tabIndex = 0;
      }
      return span;
    });
    element.replaceChildren(...pieces);
  };

  // Hovering, tapping or focusing one label lights every copy of it.
  const light = ({ target }) => {
    const label = target.closest?.(".ix")?.dataset.ix;
    document.querySelectorAll(".lit").forEach((copy) => copy.classList.remove("lit"));
    if (!label) return;
    page.querySelectorAll(`.ix[data-ix="${CSS.escape(label)}"]`).forEach((copy) => copy.classList.add("lit"));
  };

  const colour = () => {
    page.querySelectorAll(":not(pre) > code, pre .s1, pre .s2").forEach(wrap);
    // Letters of code and pictures have the colour and the light of those that the formulas have in their place.
    for (const label of page.querySelectorAll(".ix:not([data-ix]), [data-written] code .ix")) {
      const own = [...label.classList].find((name) => /^ix-.$/u.test(name))?.slice(3);
      if (!own) continue;
      const pairs = label.closest("[data-written]")?.dataset.written.split(" ") ?? [];
      const letter = pairs.map((pair) => [...pair]).find(([capital]) => capital === own)?.[1] ?? own;
      label.classList.replace(`ix-${own}`, `ix-${letter}`);
      label.dataset.ix = letter;
    }
  };
  colour();
  document.addEventListener("einsum-doc:content", colour); // what the page try/ has made
  for (const event of ["pointerover", "focusin"]) document.addEventListener(event, light);
})();
