/** What a model said of one input, by what its JSON holds: labels, marked words, an answer, a text. */

import { button, element } from "./page.element.js";
import { percent } from "./page.words.js";

// Bars that are shown at first.
const FIRST = 10;

/**
 * A prediction in elements.
 *
 * @param {Object} prediction as /predict gives it.
 * @param {{texts: string[]}} question that it answers.
 * @returns {{brief: string, whole: HTMLElement, repeats?: boolean}} in one line to be read aloud, all of it,
 *   and whether the last text of the question stands in it again.
 */
export function sayingOf(prediction, question) {
  const text = question.texts.at(-1) ?? "";
  if (Array.isArray(prediction.entities)) return entities(prediction, text);
  if (prediction.tags?.length) return tags(prediction);
  if ("answer" in prediction) return answer(prediction, text);
  if (typeof prediction.text === "string") return written(prediction);
  if (Object.keys(prediction.scores ?? {}).length || prediction.label != null) return labelled(prediction);
  const whole = element("pre", {}, JSON.stringify(prediction, null, 2));
  return { brief: "an answer", whole };
}

/** Whether a prediction is of labels that may be put right. */
export function isLabelled(prediction) {
  return Object.keys(prediction.scores ?? {}).length > 0;
}

/** The labels that a prediction says: one, or of several those that apply. */
export function labelsOf({ label, labels }) {
  return label == null ? labels : [label];
}

function labelled(prediction) {
  const said = labelsOf(prediction);
  const name = said.length ? said.join(", ") : "none of its labels";
  const sure = said.length === 1 && prediction.score != null ? percent(prediction.score) : null;
  const heading = headline(name, sure, said.length === 0);
  const whole = element("div", {}, heading, bars(prediction.scores ?? {}, new Set(said)));
  return { brief: sure ? `${name}, ${sure}` : name, whole };
}

function headline(name, sure, none = false) {
  return element(
    "h3",
    { class: none ? "label none" : "label" },
    element("span", { dir: "auto" }, name),
    sure && element("small", {}, sure),
  );
}

function bars(scores, said) {
  const sorted = Object.entries(scores).sort(([, one], [, other]) => other - one);
  const list = element(
    "ol",
    { class: "bars", role: "list" },
    ...sorted.map(([label, score]) => bar(label, score, said.has(label))),
  );
  if (sorted.length <= FIRST) return list;
  list.classList.add("first");
  const more = button(
    `Show all ${sorted.length}`,
    () => {
      const open = list.classList.toggle("first");
      more.textContent = open ? `Show all ${sorted.length}` : `Show the first ${FIRST}`;
      more.setAttribute("aria-expanded", String(!open));
    },
    "quiet",
  );
  more.setAttribute("aria-expanded", "false");
  return element("div", {}, list, more);
}

function bar(label, score, said) {
  const fill = element("i", {});
  // A custom property set from a script is no inline style in the eyes of the Content-Security-Policy.
  fill.style.setProperty("--share", String(score));
  return element(
    "li",
    { class: said ? "said" : null },
    element("span", { class: "name", dir: "auto" }, label),
    element("span", { class: "track", "aria-hidden": "true" }, fill),
    element("span", { class: "share" }, percent(score)),
  );
}

function entities(prediction, text) {
  const found = prediction.entities;
  const whole = element(
    "div",
    {},
    headline(found.length ? `${found.length} found` : "nothing found", null, !found.length),
  );
  whole.append(
    marked(
      text,
      found.map(({ start, stop, label, score }) => ({ start, stop, label, score })),
    ),
  );
  const brief = found.map((entity) => `${entity.text}: ${entity.label}`).join("; ");
  return { brief: brief || "nothing found", whole, repeats: true };
}

function tags({ words = [], tags: said }) {
  const pairs = said.map((tag, place) => [words[place] ?? "", tag]);
  const whole = element(
    "p",
    { class: "tags", dir: "auto" },
    // Spaces, too: for those who copy it, or have it read to them.
    ...pairs.flatMap(([word, tag]) => [
      element("span", { class: "tag" }, word, element("small", {}, ` ${tag}`)),
      " ",
    ]),
  );
  return { brief: pairs.map(([word, tag]) => `${word}: ${tag}`).join("; "), whole };
}

function answer({ answer: said, start, stop, score }, text) {
  const none = said == null;
  const name = none ? "The text does not answer this." : said;
  const sure = typeof score === "number" ? percent(score) : null;
  const whole = element("div", {}, headline(name, sure, none));
  const placed = !none && Number.isInteger(start);
  if (placed) whole.append(marked(text, [{ start, stop }]));
  return { brief: name, whole, repeats: placed };
}

function written({ text }) {
  const whole = element("p", { class: "written", dir: "auto" }, text || "It wrote nothing.");
  return { brief: text || "It wrote nothing.", whole };
}

/**
 * A text with stretches marked.
 *
 * @param {string} text
 * @param {{start: number, stop: number, label?: string, score?: number}[]} stretches in characters as Python
 *   counts them, which are code points; those that overlap an earlier one are left out.
 */
function marked(text, stretches) {
  const characters = Array.from(text);
  const whole = element("p", { class: "marked", dir: "auto" });
  let place = 0;
  for (const { start, stop, label, score } of [...stretches].sort((one, other) => one.start - other.start)) {
    if (start < place) continue;
    whole.append(characters.slice(place, start).join(""));
    const sure = typeof score === "number" ? percent(score) : null;
    whole.append(
      element(
        "mark",
        { title: sure },
        characters.slice(start, stop).join(""),
        label ? element("small", {}, ` ${label}`) : null,
      ),
    );
    place = stop;
  }
  whole.append(characters.slice(place).join(""));
  return whole;
}
