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

// A thumb is shown when it is clicked, and sent past Gradio, which drops a second one while the
// first is on its way, and all of them when the tab closes.
const given = new Map();
const sending = new Map();

const valueOf = (thumb) => (thumb ? (thumb.classList.contains("up") ? 1 : -1) : null);
const showThumbs = (row) => {
  for (const thumb of row.querySelectorAll("button.thumb")) {
    // As it was when the page was drawn, until one is clicked.
    if (!given.has(thumb.value) && thumb.classList.contains("given")) {
      given.set(thumb.value, valueOf(thumb));
    }
  }
  for (const thumb of row.querySelectorAll("button.thumb")) {
    const pressed = String(given.get(thumb.value) === valueOf(thumb));
    if (thumb.ariaPressed !== pressed) thumb.ariaPressed = pressed;
  }
};
const sendThumb = (message) =>
  fetch(`v1/messages/${message}/feedback`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ value: given.get(message) }),
    keepalive: true,
  });
const keepThumb = async (message, before) => {
  // One at a time: the last one clicked is the last one stored.
  if (sending.has(message)) return;
  let sent;
  let stored = before;
  try {
    do {
      sent = given.get(message);
      sending.set(message, sent);
      const response = await sendThumb(message);
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      stored = sent;
    } while (sent !== given.get(message));
  } catch (error) {
    console.error("A thumb was not stored", error);
    given.set(message, stored);
  } finally {
    sending.delete(message);
    document.querySelectorAll("#chat .thumbs").forEach(showThumbs);
  }
};
document.addEventListener("click", (event) => {
  const thumb = event.target.closest("#chat button.thumb");
  const message = thumb?.value;
  const before = given.get(message);
  if (!thumb || before === valueOf(thumb)) return;
  given.set(message, valueOf(thumb));
  showThumbs(thumb.parentElement);
  keepThumb(message, before);
});
addEventListener("pagehide", () => {
  for (const [message, sent] of sending) if (sent !== given.get(message)) sendThumb(message);
});

// What is pressed on a product's card is sent once; the shop learns from it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("#chat button.press");
  if (!button || button.ariaPressed === "true") return;
  const [showing, kind, ...item] = button.value.split(" ");
  button.ariaPressed = "true";
  try {
    const response = await fetch("v1/recommend/feedback", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ showing, kind, item: item.join(" ") }),
      keepalive: true,
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  } catch (error) {
    console.error("What was pressed was not stored", error);
    button.ariaPressed = "false";
  }
});

// An answer is read aloud in its own language, one at a time; clicked again, it is quiet.
let aloud = null;

const showAloud = (button) => {
  const pressed = String(button.value === aloud?.message);
  if (button.ariaPressed !== pressed) button.ariaPressed = pressed;
};
const hush = () => {
  aloud?.stop.abort();
  aloud?.player?.pause();
  if (aloud?.player) URL.revokeObjectURL(aloud.player.src);
  aloud = null;
  document.querySelectorAll("#chat button.aloud").forEach(showAloud);
};
const wordsOf = (answer) => {
  const copy = answer.querySelector(".words").cloneNode(true);
  for (const mark of copy.querySelectorAll("button.mark")) mark.remove();
  // Only what is laid out knows where its lines end.
  copy.className = "laid-out";
  document.body.append(copy);
  const words = copy.innerText;
  copy.remove();
  return words;
};
const readAloud = async (button) => {
  hush();
  const own = (aloud = { message: button.value, stop: new AbortController() });
  const answer = button.closest(".answer");
  showAloud(button);
  try {
    const response = await fetch("v1/audio/speech", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "switchboard", voice: "alloy", input: wordsOf(answer) }),
      signal: own.stop.signal,
    });
    if (!response.ok) throw new Error((await response.json()).error.message);
    const sound = await response.blob();
    if (own !== aloud) return;
    own.player = new Audio(URL.createObjectURL(sound));
    own.player.addEventListener("ended", () => own === aloud && hush());
    await own.player.play();
  } catch (error) {
    if (own !== aloud) return;
    hush();
    const reason = document.createElement("p");
    reason.className = "reason";
    reason.role = "alert";
    reason.textContent = error.message;
    answer.append(reason);
  }
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("#chat button.aloud");
  if (!button) return;
  if (button.value === aloud?.message) hush();
  else readAloud(button);
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
  document.querySelectorAll("#chat .thumbs").forEach(showThumbs);
  document.querySelectorAll("#chat button.aloud").forEach(showAloud);
}).observe(document, { subtree: true, childList: true, attributeFilter: ["aria-label"] });
