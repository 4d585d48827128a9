(conversation) => {
  const address = new URL(location.href);
  if (conversation) address.searchParams.set("conversation", conversation);
  else address.searchParams.delete("conversation");
  history.replaceState(history.state, "", address);
  document.dispatchEvent(new Event("conversation"));
  return [];
}
