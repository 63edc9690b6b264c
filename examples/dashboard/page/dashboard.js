// The page's side of the dashboard: an EventSource, which connects anew by itself, and a card for each number.

const KEPT = 120;
const NUMBERS = {
  cpu: ["Processor", "% of a core"],
  delay: ["Delay of the loop", "ms"],
  requests: ["Requests", "so far"],
  watchers: ["Watchers", "now"],
};

const status = document.querySelector("#status");
const template = document.querySelector("template");
const cards = Object.entries(NUMBERS).map(([key, [title, unit]]) => {
  const card = template.content.cloneNode(true).firstElementChild;
  card.id = key;
  card.querySelector("h2").textContent = title;
  card.querySelector("small").textContent = unit;
  template.parentElement.append(card);
  const [number, line] = [card.querySelector("data"), card.querySelector("polyline")];
  const values = [];
  return (reading) => {
    number.textContent = reading[key].toLocaleString("en");
    values.push(reading[key]);
    if (values.length > KEPT) values.shift();
    line.setAttribute("points", points(values));
  };
});

const source = new EventSource("readings");
source.addEventListener("open", () => (status.textContent = "live"));
source.addEventListener("error", () => (status.textContent = "connection lost, trying again"));
source.addEventListener("reading", (event) => {
  const reading = JSON.parse(event.data);
  for (const show of cards) show(reading);
});

document.querySelector("#work").addEventListener("click", async (event) => {
  event.target.disabled = true;
  await fetch("work", { method: "POST" });
  event.target.disabled = false;
});

// The newest value is at the right edge, the largest at the top.
function points(values) {
  const top = Math.max(...values, 1);
  return values.map((value, index) => `${KEPT - values.length + index + 1},${38 - (36 * value) / top}`).join(" ");
}
