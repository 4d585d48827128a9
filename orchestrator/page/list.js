element.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-conversation]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  trigger("click", { conversation: link.dataset.conversation });
});
