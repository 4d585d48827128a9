// The list is drawn here: Gradio would write another conversation into the link that is just clicked.
let clicks = 0;
let pressed = false;
let drawn = "";

const mark = () => {
  const current = new URLSearchParams(location.search).get("conversation");
  for (const link of element.querySelectorAll("a")) {
    link.ariaCurrent = link.dataset.conversation === current ? "page" : null;
  }
};
const draw = () => {
  if (pressed || props.value === drawn) return;
  const focused = element.contains(document.activeElement) && document.activeElement.search;
  element.innerHTML = drawn = props.value;
  mark();
  if (focused) [...element.querySelectorAll("a")].find((link) => link.search === focused)?.focus();
};
watch("value", draw);
document.addEventListener("conversation", mark);

element.addEventListener("pointerdown", () => (pressed = true));
for (const over of ["pointerup", "pointercancel"]) {
  // The click comes before the timer.
  addEventListener(over, () => setTimeout(() => ((pressed = false), draw())));
}
element.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-conversation]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  trigger("click", { conversation: link.dataset.conversation, click: ++clicks });
});
