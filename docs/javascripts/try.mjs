// The page try/: what is typed goes to Python in a worker as data, and comes back as HTML that Python has escaped.
import { typesetter } from "../assets/mathjax/formulas.mjs";

const LIMIT = 10_000; // ms for an answer; then the worker is replaced
const PAUSE = 250; // ms without a key, before a question is asked
const site = new URL("../", import.meta.url);
const $ = (id) => document.getElementById(id);

// ---- Python, in a worker ---------------------------------------------------------------------------------

let worker;
let loaded;
const waiting = new Map();

const start = () => {
  worker = new Worker(new URL(`try-worker.mjs${new URL(import.meta.url).search}`, import.meta.url), { type: "module" });
  loaded = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.ready) resolve();
      else waiting.get(data.id)?.(JSON.parse(data.answer));
    };
    worker.onerror = ({ message }) => reject(new Error(message ?? "the worker did not start"));
  });
};

start(); // before all else: it takes longest

const SLOW = { error: `This takes longer than ${LIMIT / 1000} seconds: try it on your own machine.` };
let number = 0;
const ask = async (question) => {
  await loaded;
  const id = (number += 1);
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      worker.terminate();
      start();
      waiting.delete(id);
      resolve(SLOW);
    }, window.PYTHON_LIMIT ?? LIMIT); // a test may have less patience
    waiting.set(id, (answer) => {
      clearTimeout(limit);
      waiting.delete(id);
      resolve(answer);
    });
    worker.postMessage({ id, question: JSON.stringify(question) });
  });
};

// ---- Formulas --------------------------------------------------------------------------------------------

const mathjax = new Promise((resolve, reject) => {
  window.MathJax = {
    loader: {
      paths: { mathjax: new URL("assets/mathjax", site).href, "mathjax-stix2": new URL("assets/mathjax/font", site).href },
      versionWarnings: false, // the font is released on its own
      load: ["input/tex-base", "[tex]/ams", "output/chtml", "a11y/assistive-mml"],
    },
    tex: { packages: ["base", "ams"] }, // no macros, links or classes: rows may be a reader's own
    output: { font: "mathjax-stix2", fontURL: new URL("assets/mathjax/woff2", site).href, matchFontHeight: false },
    startup: { typeset: false, ready: () => MathJax.startup.defaultReady() },
  };
  const script = document.createElement("script");
  script.src = new URL("assets/mathjax/startup.js", site);
  script.onload = () => MathJax.startup.promise.then(() => resolve(typesetter(MathJax)), reject);
  script.onerror = reject;
  document.head.append(script);
});
const sheet = document.head.appendChild(document.createElement("style"));
const rules = new Set();

// Put formulas in the place of their TeX.
const typeset = async (part) => {
  const places = [...part.querySelectorAll(".arithmatex")];
  const derivations = [...part.querySelectorAll(".derivation")];
  const formulas = places.map((place) => {
    const tex = place.textContent;
    const row = place.closest(".derivation");
    const derivation = row && place.parentElement.matches(".formula") ? derivations.indexOf(row) : null;
    return { tex: tex.slice(2, -2), display: tex.startsWith("\\["), derivation };
  });
  const letters = [...part.querySelectorAll(".ix")].map((label) => label.textContent);
  const answer = await (await mathjax)({ formulas, letters });
  answer.rules.forEach((rule) => rules.add(rule));
  sheet.textContent = [...rules].join("\n");
  places.forEach((place, n) => {
    place.innerHTML = answer.html[n];
    place.style.cssText = answer.styles[n];
  });
};

// ---- The page --------------------------------------------------------------------------------------------

// The titles of the parts, as headings for those who do not see them.
const headed = (part) => {
  for (const title of part.querySelectorAll(".part")) [title.role, title.ariaLevel] = ["heading", "2"];
};
headed($("try-result"));

// A form, what it says and what it shows. Its fields are asked about together, and only the latest state is answered.
class Panel {
  constructor(id) {
    this.form = $(id);
    [this.status, this.error, this.result] = ["status", "error", "result"].map((part) => $(`${id}-${part}`));
    this.fields = [...this.form.querySelectorAll("[name]")];
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.update();
    });
  }

  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  field(name) {
    return this.fields.find((field) => field.name === name);
  }

  async update() {
    const asked = Object.fromEntries(this.fields.map(({ name, value }) => [name, value]));
    const text = JSON.stringify(asked);
    if (this.busy || text === this.current) return;
    [this.busy, this.current] = [true, text];
    if (this === own) this.say("Checking …"); // an einsum is answered while it is typed: nothing is said of each key
    this.result.setAttribute("aria-busy", "true");
    let answer = await ask(asked).catch(({ message }) => ({ error: `Python could not be started: ${message}` }));
    const part = document.createElement("div");
    if (answer.html !== undefined) {
      part.innerHTML = answer.html; // Python has escaped what was typed
      await typeset(part).catch(({ message }) => (answer = { error: `The formulas could not be typeset: ${message}` }));
    }
    this.error.hidden = !answer.error;
    this.error.textContent = answer.error ?? "";
    const fault = answer.error && (this.field(answer.field) ?? this.fields[0]);
    for (const field of this.fields) {
      field.setAttribute("aria-invalid", String(field === fault));
      if (field === fault) field.setAttribute("aria-describedby", this.error.id);
      else field.removeAttribute("aria-describedby");
    }
    fault?.parentElement.append(this.error);
    this.result.inert = Boolean(answer.error); // it is of what was typed before
    if (answer.html !== undefined) {
      headed(part);
      this.result.replaceChildren(...part.childNodes);
      document.dispatchEvent(new CustomEvent("einsum-doc:content"));
    }
    this.result.removeAttribute("aria-busy");
    this.say(answer.says ?? answer.error.split("\n")[0]);
    this.busy = false;
    this.answered?.(asked, answer);
    this.update(); // what was typed meanwhile
  }
}

const [einsum, own] = [new Panel("try"), new Panel("try-own")];

// What is typed, with the colours of its labels, and the example if it is one.
const [echo, example] = [$("try-echo"), $("try-example")];
const mirror = () => {
  const text = einsum.field("einsum").value;
  echo.textContent = text;
  if (example.value !== text) example.value = "";
  document.dispatchEvent(new CustomEvent("einsum-doc:content"));
};

// The link to an einsum: it carries nothing else.
einsum.answered = ({ einsum: text }, { error }) => {
  if (!error) history.replaceState(null, "", `?${new URLSearchParams({ einsum: text })}`);
};

let pause;
einsum.form.addEventListener("input", ({ target }) => {
  if (target === example) {
    einsum.field("einsum").value = example.value;
    einsum.field("names").value = example.selectedOptions[0].dataset.names ?? "";
  }
  mirror();
  clearTimeout(pause);
  pause = setTimeout(() => einsum.update(), PAUSE);
});

const linked = new URLSearchParams(location.search);
if (linked.has("einsum")) einsum.field("einsum").value = linked.get("einsum").slice(0, 2000);
mirror();
if (linked.has("exercise")) {
  const exercises = await fetch(new URL("assets/exercises.json", site)).then((response) => response.json());
  const [id, post, exercise] = /^(.+)-(\d+)$/.exec(linked.get("exercise")) ?? [];
  const rows = own.field("derivation");
  if (Object.hasOwn(exercises, id)) {
    rows.value = exercises[id];
    own.say(`Exercise ${exercise} of the post ${post}: complete the last row.`);
    rows.focus();
  } else {
    own.say("There is no such exercise.");
  }
  own.form.scrollIntoView();
}
if (einsum.fields.some((field) => field.value !== (field.defaultValue ?? ""))) {
  einsum.update();
} else {
  loaded.then(() => einsum.say("Ready."), ({ message }) => einsum.say(`Python could not be started: ${message}`));
}
