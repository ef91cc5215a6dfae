// Typesets the formulas of a page with MathJax, in Node and in a browser.
//
//   {formulas: [{tex, display, derivation}], letters}  ->  {html: [], styles: [], errors: [], rules: []}
//
// derivation: the number of the derivation that a formula is a row of, or null. letters: those that are labels in the
// page's code. styles: of each formula, the attribute that puts it in its place in a derivation. rules: those of the
// style sheet that the formulas need.
//
// Before anything is drawn, one pass over all formulas of the page finds their labels (indices), so that
// no author has to mark them:
//
//   class "ix ix-i", data-ix="i'"   a letter that stands as an index, its prime included
//   class "ix-dummy"                an index that is summed in this statement
//   class "relation"                the first relation of a derivation's row

// ---- The labels of formulas ------------------------------------------------------------------------------

const EQUALITIES = "=≠≡≔≝≈∝";
const kids = (node) => (node?.childNodes ?? []).filter(Boolean);
const is = (node, ...kinds) => kinds.includes(node?.kind);
const text = (node) => (is(node, "text") ? node.getText() : kids(node).map(text).join(""));
const addClass = (node, name) => {
  const old = node.attributes.getExplicit("class");
  node.attributes.set("class", old ? `${old} ${name}` : name);
};

// {i} and i are one thing to a reader: look through the groups that TeX leaves behind.
const bare = (node) => {
  while (is(node, "TeXAtom", "mrow", "inferredMrow", "mstyle") && kids(node).length === 1) node = kids(node)[0];
  return node;
};
// A row's parts, with groups opened; \left( ... \right) stays one part.
const parts = (node) =>
  is(node, "math", "inferredMrow", "TeXAtom", "mstyle", "mpadded", "mtd")
    ? kids(node).flatMap(parts)
    : [node];

const isLetter = (node) =>
  is(node, "mi") &&
  /^\p{L}$/u.test(text(node)) &&
  [undefined, "italic"].includes(node.attributes.getExplicit("mathvariant"));
const isPrimes = (node) => /^[′″‴⁗'*]+$/.test(text(node)) && !text(node).includes("*");
const letterOf = (node) => {
  if (isLetter(node)) return node;
  const [base, sup] = kids(node);
  return is(node, "msup") && isLetter(bare(base)) && isPrimes(sup) ? bare(base) : null;
};
// Not \log_b, not \operatorname{f}_x, and not the bar of \left. … \right|_x, below which tensors are held fixed.
const takesIndices = (base) => !/^\p{L}{2,}$|^[^|]*\|$/u.test(text(base));
const isBigOperator = (base) => /^[∑∏⋃⋂⨁⨂]$|^(arg)?\s*(max|min)$/.test(text(base));

// Every index in a tree, as {node, letter, key}. `standing` says that we are inside a subscript.
const indices = (node, standing = false, found = []) => {
  const take = (letter) => {
    const key = text(node).replace(/[″]/g, "′′").replace(/[‴]/g, "′′′");
    found.push({ node, letter: text(letter), key });
  };
  const [base, sub, sup] = kids(node);
  if (standing && letterOf(node)) {
    take(letterOf(node));
  } else if (is(node, "msub", "msubsup", "munder", "munderover")) {
    const letter = letterOf(bare(base));
    if (standing && letter && is(node, "msub", "msubsup")) {
      take(letter); // i_1 is one label, and so is i'_1
    } else {
      indices(base, false, found);
    }
    const indexed = is(node, "msub", "msubsup") ? takesIndices(bare(base)) : isBigOperator(bare(base));
    if (sub) indices(sub, indexed, found);
    if (sup) indices(sup, false, found);
  } else if (is(node, "msup", "mover")) {
    indices(base, standing, found);
    if (sub) indices(sub, false, found);
  } else {
    kids(node).forEach((child, n, all) => {
      const called = standing && isLetter(child) && text(all[n + 1] ?? child) === "(";
      if (!called) indices(child, standing, found);
    });
  }
  return found;
};

// Letters that are the body of something: x in x_i, l after a partial sign, f in f(x). In prose
// such a letter is never taken for a label.
const bodies = (node, found = new Set()) => {
  kids(node).forEach((child, n, all) => {
    const scripted = is(child, "msub", "msubsup", "msup") && !letterOf(child);
    const base = scripted ? bare(kids(child)[0]) : child;
    const body = scripted || text(all[n - 1] ?? child) === "∂" || text(all[n + 1] ?? child) === "(";
    if (body && letterOf(base)) found.add(text(letterOf(base)));
    // An index of an index is no body.
    if (is(child, "msub", "msubsup")) {
      bodies(kids(child)[0], found);
    } else {
      bodies(child, found);
    }
  });
  return found;
};

// \(i\), \(i, j\), and the "i = j" of a case: nothing but letters, so they may be labels.
const loneLetters = (root) => {
  const rows = [parts(root)];
  const walk = (node) => {
    if (is(node, "mtd")) rows.push(parts(node));
    kids(node).forEach(walk);
  };
  walk(root);
  return rows.flatMap((row) => {
    const plain = row.every((node) => letterOf(node) || is(node, "mo", "mn", "mspace", "mtext"));
    const spoken = row.every((node) => !is(node, "mo") || /^[,;=≠≤<…⋯]$/u.test(text(node)));
    return plain && spoken ? row.filter(letterOf) : [];
  });
};

// A formula as rows (those of \begin{aligned}, or what \\ parts), and a row as statements: what commas,
// wide spaces and words set apart. Each is cut at its first relation.
const rowsOf = (root) => {
  const all = parts(root).filter((node) => !is(node, "mspace"));
  if (all.length === 1 && is(all[0], "mtable")) {
    return kids(all[0]).map((row) => kids(row).filter((cell) => is(cell, "mtd")).flatMap(parts));
  }
  const rows = [[]];
  for (const node of parts(root)) {
    if (is(node, "mspace") && node.attributes.get("linebreak") === "newline") {
      rows.push([]);
    } else {
      rows.at(-1).push(node);
    }
  }
  return rows;
};
const statementsOf = (row) => {
  const statements = [[]];
  let depth = 0;
  for (const node of row) {
    if (is(node, "mo") && /^[([{⟨]$/.test(text(node))) depth += 1;
    if (is(node, "mo") && /^[)\]}⟩]$/.test(text(node))) depth -= 1;
    const wide = is(node, "mspace") && parseFloat(node.attributes.get("width")) >= 0.9;
    const apart = is(node, "mtext") || wide || (is(node, "mo") && /^[,;]$/.test(text(node)));
    if (apart && depth <= 0) {
      statements.push([]);
    } else {
      statements.at(-1).push(node);
    }
  }
  return statements
    .filter((nodes) => nodes.length)
    .map((nodes) => {
      const at = nodes.findIndex((node) => is(node, "mo") && EQUALITIES.includes(text(node) || " "));
      if (at < 0) return null;
      return { left: nodes.slice(0, at).filter(text), relation: nodes[at], right: nodes.slice(at + 1) };
    })
    .filter(Boolean);
};

const isSign = (node) => is(node, "mo") && `+−${EQUALITIES}`.includes(text(node) || " ");
const terms = (nodes) =>
  nodes.reduce((all, node) => (isSign(node) ? [...all, []] : [...all.slice(0, -1), [...all.at(-1), node]]), [[]]);
const keys = (nodes) => nodes.flatMap((node) => indices(node)).map(({ key }) => key);

// The free indices of a statement, as the checker finds them: those of its left side, if each is there
// once; else those of all its sides that stand once in some term. A side that is 0 says nothing.
const free = (left, right) => {
  const own = keys(left);
  const zero = (side) => side.map(text).join("") === "0";
  if (!zero(left) && new Set(own).size === own.length) return new Set(own);
  const sides = [left, right].filter((side) => !zero(side));
  const once = sides.flatMap(terms).flatMap((term) => {
    const found = keys(term);
    return found.filter((key) => found.indexOf(key) === found.lastIndexOf(key));
  });
  return new Set(once.filter((key) => sides.every((side) => keys(side).includes(key))));
};

// Mark the labels of a page's formulas, and note the first relation of each row of a derivation.
const mark = (formulas, letters) => {
  const known = new Set(letters);
  const taken = new Set();
  const every = formulas.map(({ root }) => indices(root));
  every.flat().forEach(({ node, letter, key }) => {
    addClass(node, `ix ix-${letter}`);
    node.attributes.set("data-ix", key);
  });

  // Where a statement starts with its relation, its left side is that of the nearest one above it,
  // in the same formula or in the same derivation. Without one, nothing is said of its sums.
  const above = new Map(); // by derivation, or by formula where it stands alone
  for (const formula of formulas) {
    const place = formula.derivation ?? formula;
    for (const statements of rowsOf(formula.root).map(statementsOf)) {
      if (statements.length && formula.derivation !== null && !formula.relation) {
        formula.relation = statements[0].relation;
        addClass(formula.relation, "relation");
      }
      for (const { left, right } of statements) {
        if (left.length) above.set(place, left);
        if (!above.has(place)) continue;
        const kept = free(above.get(place), right);
        const summed = [...left, ...right].flatMap((node) => indices(node)).filter(({ key }) => !kept.has(key));
        summed.forEach(({ node }) => addClass(node, "ix-dummy"));
      }
    }
  }

  every.flat().forEach(({ letter }) => known.add(letter));
  formulas.forEach(({ root }) => bodies(root, taken));
  for (const node of formulas.flatMap(({ root }) => loneLetters(root))) {
    const letter = text(letterOf(node));
    if (!known.has(letter) || taken.has(letter) || node.attributes.getExplicit("data-ix")) continue;
    addClass(node, `ix ix-${letter}`);
    node.attributes.set("data-ix", text(node));
  }
};

// ---- MathJax ---------------------------------------------------------------------------------------------

// Attributes with the sizes by which a style sheet puts the relations of a derivation under one another.
//
// --shift: the distance by which a row moves to the right. --room: the width that it must have to do so: its own,
// and that of rows that begin with their relation, without which the others would not stand under them.
const stylesOf = (formulas) => {
  const rows = Map.groupBy(formulas.filter(({ at }) => at !== null), ({ derivation }) => derivation);
  for (const row of rows.values()) {
    const furthest = Math.max(...row.map(({ at }) => at));
    const needs = row.map(({ at, width }) => furthest - at + width);
    const least = Math.max(0, ...needs.filter((_, n) => row[n].at === 0));
    row.forEach((formula, n) => {
      const room = Math.max(least, needs[n]);
      formula.style = `--shift:${(furthest - formula.at).toFixed(3)}em;--room:${room.toFixed(3)}em`;
    });
  }
  return formulas.map(({ style }) => style ?? "");
};

// A function that typesets the formulas of a page. MathJax has started, with the packages `tex` and `chtml`.
export const typesetter = (MathJax) => {
  const page = MathJax.startup.document;
  const { adaptor, outputJax: output } = page;
  const { handleRetriesFor } = MathJax._.mathjax.mathjax;
  const { STATE } = MathJax._.core.MathItem;

  // The distance of a node of a row from its beginning, in em.
  const offset = (node) => {
    if (is(node, "math")) return 0;
    const own = output.nodeMap.get(node).getBBox();
    const before = kids(node.parent).slice(0, kids(node.parent).indexOf(node));
    const boxes = before.map((sibling) => output.nodeMap.get(sibling).getOuterBBox());
    return offset(node.parent) + boxes.reduce((sum, { L, w, R, rscale }) => sum + (L + w + R) * rscale, own.L);
  };

  // MathJax forgets the sizes of a formula's parts when it has drawn it.
  const draw = output.processMath.bind(output);
  let measured = null;
  output.processMath = (wrapper, parent) => {
    const { relation } = measured;
    measured.width = wrapper.getOuterBBox().w;
    measured.at = relation ? offset(relation) : null;
    draw(wrapper, parent);
  };

  // Parse a formula. Each is displayed mathematics to TeX; where the text around it says so, it is set in its line.
  const compile = ({ tex, display, derivation }) => {
    const item = new page.options.MathItem(tex, page.inputJax[0], display);
    item.setMetrics(16, 8, 1e6, 1);
    item.start.node = adaptor.body(page.document);
    item.convert(page, STATE.COMPILED);
    item.display = false; // so that the browser may break it at its operators, where the screen is narrow
    return { item, root: item.root, derivation };
  };

  const typeset = (formula) => {
    measured = formula;
    formula.item.convert(page);
    return adaptor.outerHTML(formula.item.typesetRoot);
  };

  // Without the attributes that nothing reads; the copy for screen readers has no labels.
  const slim = (html) =>
    html
      .replace(/ (data-latex|data-mjx-[\w-]+|data-semantic-[\w-]+|xmlns|texclass="(?!VCENTER)[^"]*)(="[^"]*"|")?/g, "")
      .replace(/<math[ >].*<\/math>/s, (math) => math.replace(/ (class|data-[\w-]+)="[^"]*"/g, ""));

  const errors = (root) =>
    is(root, "merror") ? [root.attributes.get("data-mjx-error") ?? text(root)] : kids(root).flatMap(errors);

  return async ({ formulas, letters }) => {
    const compiled = [];
    for (const formula of formulas) compiled.push(await handleRetriesFor(() => compile(formula)));
    mark(compiled, letters);
    const html = [];
    for (const formula of compiled) html.push(slim(await handleRetriesFor(() => typeset(formula))));
    const sheet = output.styleSheet(page);
    if (sheet.isConnected === false) document.head.append(sheet); // a browser reads no other
    const rules = adaptor.cssText(sheet).match(/[^{}]+\{(?:[^{}]|\{[^{}]*\})*\}/g);
    output.clearCache(); // the next page's rules are its own
    return { html, styles: stylesOf(compiled), errors: compiled.map(({ root }) => errors(root)[0] ?? ""), rules };
  };
};
