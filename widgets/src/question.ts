/** Grades `form.kh-predict`: marks the chosen answer and shows why it is right or not. */
import { addStyles } from "./style.ts";

export function gradeAll(root: ParentNode): void {
  for (const form of root.querySelectorAll<HTMLFormElement>("form.kh-predict")) grade(form);
}

export function grade(form: HTMLFormElement): void {
  if (form.dataset.graded !== undefined) return;
  form.dataset.graded = "";
  addStyles(form);
  form.classList.add("kh-live");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(form);
  });
}

function answer(form: HTMLFormElement): void {
  const output = form.querySelector("output");
  const chosen = form.querySelector<HTMLInputElement>("input[type=radio]:checked");
  if (!chosen) {
    if (output) output.textContent = "Choose an answer first.";
    return;
  }
  const right = chosen.dataset.correct === "true";
  for (const input of form.querySelectorAll<HTMLInputElement>("input[type=radio]")) {
    const label = input.closest("label");
    const picked = input === chosen;
    label?.classList.toggle("kh-right", picked && right);
    label?.classList.toggle("kh-wrong", picked && !right);
    const why = whyOf(input);
    if (why) why.hidden = !picked;
  }
  if (output) output.textContent = right ? "Right." : "Not quite. Read why, and choose again.";
}

/** The explanation stands in the label, or right after it. */
function whyOf(input: HTMLInputElement): HTMLElement | null {
  const label = input.closest("label");
  const inside = label?.querySelector<HTMLElement>(".kh-why");
  if (inside) return inside;
  const next = label?.nextElementSibling;
  return next instanceof HTMLElement && next.classList.contains("kh-why") ? next : null;
}
