// What the server said: the samples of /metrics, and what follows from them. Knows no document.

// `name{label="value",...} number` in parts; undefined for anything else.
export function parse(line) {
  const [, name, inner = "", number] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const labels = {};
  for (const [, key, text] of inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[key] = text.replace(/\\(.)/g, (_, escaped) => (escaped === "n" ? "\n" : escaped));
  }
  return { name, labels, value: Number(number) };
}

// The newest value of every sample.
export class Samples {
  #byName = new Map();

  update(text) {
    for (const line of text.split("\n")) {
      const sample = parse(line);
      if (sample === undefined) continue;
      if (!this.#byName.has(sample.name)) this.#byName.set(sample.name, new Map());
      this.#byName.get(sample.name).set(line.slice(0, line.lastIndexOf(" ")), sample);
    }
  }

  of(name) {
    return [...(this.#byName.get(name)?.values() ?? [])];
  }

  sum(name) {
    return this.of(name).reduce((sum, { value }) => sum + value, 0);
  }

  // The sums over all samples that agree in some labels, by those labels joined with a line break.
  by(name, ...labels) {
    const sums = new Map();
    for (const sample of this.of(name)) {
      const key = labels.map((label) => sample.labels[label] ?? "").join("\n");
      sums.set(key, (sums.get(key) ?? 0) + sample.value);
    }
    return sums;
  }

  // The buckets of a histogram, `[upper end, count up to it]`, by the value of a label; "" is all of it.
  buckets(name, label) {
    const found = new Map();
    for (const [key, value] of this.by(`${name}_bucket`, label, "le")) {
      const [of, le] = key.split("\n");
      const end = le === "+Inf" ? Infinity : Number(le);
      for (const group of new Set([of, ""])) {
        if (!found.has(group)) found.set(group, new Map());
        const ends = found.get(group);
        ends.set(end, (ends.get(end) ?? 0) + value);
      }
    }
    return found;
  }
}

// What has been added between two moments. Counters of a process that was replaced begin anew.
export function grown(now, before) {
  return new Map([...now].map(([key, value]) => [key, Math.max(0, value - (before?.get(key) ?? 0))]));
}

// The value below which a share of the observations in buckets lies; undefined without any.
export function percentile(buckets, share) {
  const ends = [...(buckets ?? [])].sort(([one], [other]) => one - other);
  const count = ends.at(-1)?.[1] ?? 0;
  if (count === 0) return undefined;
  let [start, below] = [0, 0];
  for (const [end, upTo] of ends) {
    if (upTo >= share * count) {
      return end === Infinity ? start : start + ((end - start) * (share * count - below)) / (upTo - below || 1);
    }
    [start, below] = [end, upTo];
  }
  return start;
}
