// Before the code of the theme's search, in its worker: an einsum such as jkp,ip->ijk is one word, found by any part of it.
addEventListener("message", ({ data: message }) => {
  if (message.data.config) {
    message.data.config.separator = String.raw`[\s"'()]+|-(?!&gt;)`; // in what is indexed, an arrow is an entity
    lunr.QueryLexer.termSeparator = /\s+/; // or what is typed would be split at all hyphens, whatever the separator
  } else if (message.data.includes("->")) {
    const typed = message.data.replace(/["'()]/g, " ").replace(/\s*->\s*/g, "-&gt;").replace(/,\s+(?=.*-&gt;)/g, ",");
    message.data = typed.replace(/\S*-&gt;[^\s,]*/g, "+*$&*");
  } else {
    // A word of one letter is the beginning of many tags, which count for more than all else.
    message.data = message.data.replace(/(?<!\S)\p{L}\s+(?=\S)|\s+\p{L}(?!\S)/gu, " ");
  }
});

// Every result has the equation; the theme would call parts of it missing, and mark them anywhere on the page.
const answer = postMessage;
self.postMessage = (message) => {
  for (const { terms } of message.data?.items?.flat() ?? []) {
    for (const term of Object.keys(terms)) {
      if (term.includes("-&gt;")) delete terms[term];
    }
  }
  answer(message);
};
