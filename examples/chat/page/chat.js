// The page's side of the chat: a WebSocket for each stay in a room, made anew when it breaks.

const [join, say] = [document.querySelector("#join"), document.querySelector("#say")];
const [events, members, status] = ["#events", "#members", "#status"].map((id) => document.querySelector(id));
let me;
let socket;

join.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, room } = Object.fromEntries(new FormData(join));
  me = name;
  join.hidden = true;
  document.querySelector("#room").hidden = false;
  say.elements.text.focus();
  connect(`/rooms/${encodeURIComponent(room)}?name=${encodeURIComponent(name)}`);
});

say.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ text: say.elements.text.value }));
  say.reset();
});

function connect(path, wait = 500) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    status.textContent = "connected";
    wait = 500;
  });
  socket.addEventListener("message", (message) => show(JSON.parse(message.data)));
  socket.addEventListener("close", () => {
    status.textContent = "connection lost, trying again";
    setTimeout(() => connect(path, Math.min(wait * 2, 10000)), wait);
  });
}

function show(event) {
  if (!event.kind) return; // what the server thinks of a message that does not fit
  members.textContent = `Here: ${event.members.join(", ")}`;
  const item = document.createElement("li");
  item.className = event.kind === "said" && event.name === me ? "said mine" : event.kind;
  // textContent, never innerHTML: what others write is text, whatever is in it.
  if (event.kind === "said") item.append(element("strong", event.name), element("span", event.text));
  else item.textContent = `${event.name} ${event.kind}`;
  events.append(item);
  item.scrollIntoView({ block: "end" });
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
