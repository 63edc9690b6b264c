// Pictures as SVG. What they show is said in words, too, for those who do not see it.

const [WIDTH, HEIGHT, LEFT] = [600, 180, 44];
const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const across = (index, moments) => (LEFT + ((WIDTH - LEFT) * index) / Math.max(1, moments - 1)).toFixed(1);

function scale(svg, ticks, height) {
  return ticks.flatMap(([value, label]) => [
    draw("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: height(value), y2: height(value) }),
    draw("text", { x: 2, y: Math.max(10, height(value) + 4) }, label),
  ]);
}

// A round number that is not less.
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((round) => round >= value);
}

// Areas upon areas: `series` is `[class, values]`, the lowest one first.
export function stacked(svg, series, label) {
  const moments = series[0][1].length;
  const sums = Array.from({ length: moments }, (_, at) => series.reduce((sum, [, values]) => sum + values[at], 0));
  const top = ceiling(Math.max(...sums, 1));
  const height = (value) => (HEIGHT - 6 - ((HEIGHT - 16) * value) / top).toFixed(1);
  const floor = new Array(moments).fill(0);
  const areas = series.map(([name, values]) => {
    const below = floor.map((value, at) => `${across(at, moments)},${height(value)}`).reverse();
    values.forEach((value, at) => (floor[at] += value));
    const above = floor.map((value, at) => `${across(at, moments)},${height(value)}`);
    return draw("path", { class: `area c-${name}`, d: `M${above.join("L")}L${below.join("L")}Z` });
  });
  svg.replaceChildren(...scale(svg, [[0, "0"], [top / 2, String(top / 2)], [top, String(top)]], height), ...areas);
  svg.setAttribute("aria-label", label);
}

// Curves over a logarithmic scale of seconds; where there is no value, there is no curve.
export function curves(svg, series, label) {
  const [low, high] = [-3.5, 1.5];
  const height = (seconds) => {
    const power = Math.min(high, Math.max(low, Math.log10(Math.max(seconds, 1e-9))));
    return (HEIGHT - 6 - ((HEIGHT - 16) * (power - low)) / (high - low)).toFixed(1);
  };
  const paths = series.map(([name, values]) => {
    let pen = "M";
    const points = values.map((value, at) => {
      if (value === undefined) return (pen = "M"), "";
      const point = `${pen}${across(at, values.length)},${height(value)}`;
      pen = "L";
      return point;
    });
    return draw("path", { class: `curve c-${name}`, d: points.join("") });
  });
  const ticks = [[0.001, "1 ms"], [0.01, "10 ms"], [0.1, "100 ms"], [1, "1 s"], [10, "10 s"]];
  svg.replaceChildren(...scale(svg, ticks, height), ...paths);
  svg.setAttribute("aria-label", label);
}
