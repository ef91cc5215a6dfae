// The box above the gallery: it hides the operations that are not looked for. Without it, all are shown.
(() => {
  const [field, said] = document.querySelectorAll(".filter > :is(input, [aria-live])");

  // Each label as the place at which it first occurs: an einsum is found in any letters.
  const shape = (equation) => {
    const labels = [];
    return equation.replace(/\p{L}/gu, (label) => {
      if (!labels.includes(label)) labels.push(label);
      return String.fromCharCode(97 + labels.indexOf(label));
    });
  };

  const lists = [...document.querySelectorAll(".gallery")].map((list) => {
    const entries = [...list.children].map((entry) => {
      const equation = entry.querySelector("code").textContent;
      const text = `${entry.querySelector("span").textContent} ${equation} ${entry.dataset.words}`.toLowerCase();
      return { entry, equation, text, shape: shape(equation) };
    });
    return { list, entries };
  });
  const count = lists.reduce((sum, { entries }) => sum + entries.length, 0);

  const filter = () => {
    const typed = field.value.trim().toLowerCase().replace(/\s*(->|→|,)\s*/g, "$1").replace("→", "->");
    const words = typed.split(/\s+/).flatMap((word) =>
      word.includes("->") || /^\p{L}{0,6}(,\p{L}{0,6})+$/u.test(word) ? [word] : word.split(","),
    );
    const matches = ({ text, shape: own }) =>
      words.every((word) => text.includes(word) || (/,|->/.test(word) && own.startsWith(shape(word))));
    let found = 0;
    for (const { list, entries } of lists) {
      for (const each of entries) each.entry.hidden = !matches(each);
      const left = entries.filter(({ entry }) => !entry.hidden).length;
      list.hidden = list.previousElementSibling.hidden = !left;
      found += left;
    }
    said.textContent = found ? `${found === count ? "" : `${found} of `}${count} operations` : "No operation matches.";
  };

  field.addEventListener("input", filter);
  window.addEventListener("pageshow", filter); // a browser that goes back fills in what was typed
  filter();
})();
