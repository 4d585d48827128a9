// While a person has the conversation, the page looks for what they say: of itself Gradio shows a
// tab no more than what that tab has asked for.
const LOOK_MS = 1000;
const PATIENCE_MS = 5000;
const tabs = new BroadcastChannel("switchboard");
let looking = false;
let timer;

const shown = () => ({ ...element.querySelector(".handoff")?.dataset });
const differs = (state) =>
  shown().handoff !== state.handoff || shown().lastMessage !== state.lastMessage;

const look = async () => {
  if (looking) return;
  looking = true;
  const { conversation } = shown();
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(`v1/conversations/${conversation}/state`, { signal });
    if (!response.ok) return;
    const { last_message, handoff } = await response.json();
    const state = { lastMessage: last_message ?? "", handoff };
    if (shown().conversation === conversation && differs(state)) trigger("click");
  } catch {
    // The service is being started again: it is looked for once more.
  } finally {
    looking = false;
  }
};
watch("value", () => {
  element.innerHTML = props.value;
  clearInterval(timer);
  if (!shown().conversation) return;
  timer = setInterval(look, LOOK_MS);
  tabs.postMessage(shown());
});
// Another tab of the same browser has been told sooner.
tabs.onmessage = ({ data }) => {
  const opened = new URLSearchParams(location.search).get("conversation");
  if (data.conversation === opened && differs(data)) trigger("click");
};
