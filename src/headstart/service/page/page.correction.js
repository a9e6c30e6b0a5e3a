/** Telling the service that it was right, or what is right. */

import { announce, button, element, freshId } from "./page.element.js";
import { labelsOf } from "./page.saying.js";
import { ask } from "./page.service.js";

/**
 * The question whether a prediction is right, and what becomes of the answer.
 *
 * @param {Object} prediction with `id`.
 * @param {{labels: string[], several: boolean}} model
 * @param {string} noun of what was given, such as "photo".
 * @returns {HTMLElement}
 */
export function correctionOf(prediction, model, noun) {
  const place = element("div", { class: "correction" });
  const { several } = model;
  const said = labelsOf(prediction);

  const question = (focused) => {
    const wrong = button("Wrong", form);
    const right = button("Right", () => tell(said, false, right));
    place.replaceChildren(element("span", { class: "soft" }, "Is this right?"), right, wrong);
    if (focused) wrong.focus();
  };
  const form = () => {
    const made = several
      ? severalForm(model.labels, said, noun)
      : oneForm(model.labels.filter((label) => label !== prediction.label));
    const submit = (event) => {
      event.preventDefault();
      const labels = made.labels();
      if (labels)
        tell(
          labels,
          labels.some((label) => !model.labels.includes(label)),
          made.send,
        );
    };
    const back = button("Back", () => question(true));
    const whole = element(
      "form",
      { onsubmit: submit, class: several ? "several" : "one" },
      ...made.fields,
      made.send,
      back,
    );
    whole.addEventListener("keydown", (event) => event.key === "Escape" && question(true));
    place.replaceChildren(whole);
    made.first.focus();
  };
  const tell = async (labels, isNew, pressed) => {
    const body = {
      id: prediction.id,
      ...(several ? { labels } : { label: labels[0] }),
      ...(isNew && { new: true }),
    };
    pressed.disabled = true;
    place.querySelector(".problem")?.remove();
    try {
      await ask("feedback", { body });
      confirm(labels);
    } catch (refusal) {
      pressed.disabled = false;
      place.append(element("p", { class: "problem", role: "alert" }, refusal.message));
      pressed.focus();
    }
  };
  const confirm = (labels) => {
    const same = labels.length === said.length && labels.every((label) => said.includes(label));
    const what = labels.length ? labels.join(", ") : "none of its labels";
    const sentence = same ? "Noted: that was right. Thank you." : `Noted: it is ${what}. Thank you.`;
    const change = button("Change", () => question(true), "quiet");
    place.replaceChildren(element("span", { class: "noted" }, sentence), change);
    announce(sentence);
    // What was pressed is gone: without it, the keyboard would begin again at the top of the page.
    change.focus();
  };
  question(false);
  return place;
}

const OTHER = "another";

function oneForm(labels) {
  const [id, otherId] = [freshId(), freshId()];
  // Their places are the values, so that no label can be mistaken for another choice.
  const options = labels.map((label, place) => element("option", { value: place }, label));
  const select = element(
    "select",
    { id, required: true },
    element("option", { value: "" }, "Choose a label"),
    ...options,
    element("option", { value: OTHER }, "Another label …"),
  );
  const typed = element("input", { id: otherId, type: "text", maxlength: "200", autocomplete: "off" });
  const other = element(
    "span",
    { class: "other", hidden: true },
    element("label", { for: otherId }, "which is new:"),
    typed,
  );
  select.addEventListener("change", () => {
    other.hidden = select.value !== OTHER;
    typed.required = !other.hidden;
    if (!other.hidden) typed.focus();
  });
  const chosen = () => (select.value === OTHER ? typed.value.trim() : labels[Number(select.value)]);
  return {
    fields: [element("label", { for: id }, "It is"), select, other],
    first: select,
    send: element("button", { type: "submit", class: "main" }, "Send"),
    labels: () => {
      if (chosen()) return [chosen()];
      typed.focus();
      return null;
    },
  };
}

function severalForm(labels, said, noun) {
  const id = freshId();
  const boxes = labels.map((label) => ({
    label,
    box: element("input", { type: "checkbox", id: freshId(), checked: said.includes(label) }),
  }));
  const typed = element("input", { id, type: "text", maxlength: "200", autocomplete: "off" });
  const rows = boxes.map(({ label, box }) =>
    element("span", { class: "check" }, box, element("label", { for: box.id }, label)),
  );
  return {
    fields: [
      element("fieldset", {}, element("legend", {}, `All that is true of this ${noun}`), ...rows),
      element("span", { class: "other" }, element("label", { for: id }, "and a new one:"), typed),
    ],
    first: boxes[0]?.box ?? typed,
    send: element("button", { type: "submit", class: "main" }, "Send"),
    labels: () => {
      const chosen = boxes.filter(({ box }) => box.checked).map(({ label }) => label);
      const fresh = typed.value.trim();
      return fresh && !chosen.includes(fresh) ? [...chosen, fresh] : chosen;
    },
  };
}
