// A citation's mark in an answer opens its passage below the answer.
document.addEventListener("click", (event) => {
  const mark = event.target.closest("button.mark");
  if (!mark) return;
  const passage = mark.closest(".answer")?.querySelector(`li[value="${mark.value}"] > details`);
  if (!passage) return;
  passage.open = true;
  const summary = passage.querySelector("summary");
  summary.scrollIntoView({ block: "center", behavior: "smooth" });
  summary.focus({ preventScroll: true });
});

let requests = 0;
new MutationObserver(() => {
  // What was just asked is brought into view; from there Gradio follows the answer.
  const asked = document.querySelectorAll("#chat .user-row").length;
  const view = document.querySelector("#chat .bubble-wrap");
  if (asked > requests && view) view.scrollTop = view.scrollHeight;
  requests = asked;
  // Gradio names each message by its source, which here is HTML: nothing to be read out.
  for (const message of document.querySelectorAll('#chat [data-testid][aria-label*="<"]')) {
    message.setAttribute("aria-label", message.dataset.testid === "user" ? "Request" : "Answer");
  }
}).observe(document, { subtree: true, childList: true, attributeFilter: ["aria-label"] });
