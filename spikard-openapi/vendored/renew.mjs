// Fetches the published bundles of the pages once more, and writes them compressed.
//
//   node spikard-openapi/vendored/renew.mjs
//
// vendored.json says what is fetched: packages of the npm registry with version and integrity. A
// package that is another one than its integrity says is refused. For a newer version write it
// there, with what `npm view PACKAGE@VERSION dist.integrity` shows, and run the tests in a browser:
// a new version may ask for what the policy of its page does not allow.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const here = import.meta.dirname;
const list = join(here, "vendored.json");
const packages = JSON.parse(readFileSync(list, "utf8"));

/** Unpacks a package into a folder; the folder of its files. */
function fetched({ package: name, version, integrity }, folder) {
  const pack = ["pack", `${name}@${version}`, "--silent", "--pack-destination", folder];
  const tarball = join(folder, execFileSync("npm", pack, { encoding: "utf8" }).trim());
  const found = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  if (found !== integrity) {
    throw new Error(`${name}@${version} has the integrity ${found}, expected ${integrity}`);
  }
  execFileSync("tar", ["-xzf", tarball, "-C", folder]);
  return join(folder, "package");
}

/** The text with its replacements, each of which must be there. */
function changed(text, changes, name) {
  for (const { from, to, reason } of changes) {
    if (!text.includes(from)) {
      throw new Error(`${name} has no ${from} any more: ${reason}`);
    }
    text = text.replaceAll(from, to);
  }
  return text;
}

for (const [directory, described] of Object.entries(packages)) {
  const folder = mkdtempSync(join(tmpdir(), "spikard-vendored-"));
  try {
    const source = fetched(described, folder);
    const read = (path) => readFileSync(join(source, path), "utf8");
    const contents = new Map();
    for (const path of described.files) {
      contents.set(basename(path), changed(read(path), described.changes?.[path] ?? [], path));
    }
    // A package without a license file has one here.
    const license = (path) => (path.startsWith("../") ? readFileSync(join(here, path.slice(3)), "utf8") : read(path));
    const licenses = described.licenses.map((path) => `${described.package} ${described.version}: ${basename(path)}\n\n${license(path)}`);
    contents.set("licenses.txt", licenses.join("\n\n"));

    rmSync(join(here, directory), { recursive: true, force: true });
    mkdirSync(join(here, directory));
    described.written = {};
    for (const [name, text] of contents) {
      const gzip = gzipSync(text, { level: 9, memLevel: 9 });
      writeFileSync(join(here, directory, `${name}.gz`), gzip);
      const sha256 = createHash("sha256").update(text).digest("hex");
      described.written[name] = { sha256, bytes: Buffer.byteLength(text), compressed: gzip.length };
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
writeFileSync(list, `${JSON.stringify(packages, null, 2)}\n`);
