// Builds the scripts of the one source. `--check` builds to memory and fails when the committed files differ.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const HERE = new URL(".", import.meta.url);
const OUT = new URL("../src/kubehop/widgets/static/", HERE);
/** What a page loads once, whatever it shows; the widgets' own scripts take it from there. */
const SHARED = [
  "lit-html",
  "./draw.ts",
  "./format.ts",
  "./index.ts",
  "./memo.ts",
  "./state.ts",
  "./strip.ts",
  "./timeline.ts",
];
/** Bytes after gzip; docs/decisions/0021 says why. */
const BUDGET = { platform: 17_000, widget: 9_000 };

/** White space between tags and after style rules says nothing; a minifier may not know that, we do. */
const shortTemplates = (source) => source.replace(/>\n\s+(?=[<$])/g, ">").replace(/\}\n\s+(?=[<$])/g, "}");

/** A widget's script takes shared modules from the platform's: their names are free in it, and noted in `taken`. */
const fromPlatform = (source, taken) =>
  source.replace(/^import \{([^}]+)\} from "(.+)";$/gm, (whole, names, path) => {
    const shared = path.replace("../", "./");
    if (!SHARED.includes(shared) || path.startsWith("./")) return whole;
    const values = names.split(",").map((name) => name.trim());
    taken[shared] ??= new Set();
    for (const name of values) if (name && !name.startsWith("type ")) taken[shared].add(name);
    return "";
  });

/** Declares the names that were taken, each once. */
const declared = (taken) =>
  Object.keys(taken)
    .sort()
    .map((path) => `const {${[...taken[path]].sort()}} = kubehop.shared["${path}"];`)
    .join("");

/** Changes the text of each module before it is bundled. */
const changed = (changes, taken) => ({
  name: "changed",
  setup(builder) {
    builder.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return { loader: "ts", contents: changes.reduce((text, change) => change(text, taken), source) };
    });
  },
});

/** The scripts: for JupyterLab everything in one module, for pages the platform and one for each widget. */
async function scripts() {
  const imports = SHARED.map((path, i) => `import * as shared${i} from "${path}";`).join("\n");
  const table = SHARED.map((path, i) => `"${path}": shared${i}`).join(", ");
  const platform = `${imports}\nimport { register } from "./page.ts";\nglobalThis.kubehop = { register, shared: { ${table} } };`;
  const pages = [{ file: "kubehop.iife.js", source: platform, changes: [], budget: BUDGET.platform }];
  for (const entry of await readdir(new URL("src/", HERE), { withFileTypes: true })) {
    const path = `./${entry.name}/widget.ts`;
    const text = await readFile(new URL(`src/${path}`, HERE), "utf8").catch(() => "");
    for (const [, name] of text.matchAll(/^export const (\w+): Widget\b/gm)) {
      const source = `import { ${name} } from "${path}";\nkubehop.register(${name});`;
      pages.push({ file: `${name}.iife.js`, source, changes: [fromPlatform], budget: BUDGET.widget });
    }
  }
  return [{ file: "kubehop.mjs", source: 'export { default } from "./jupyter.ts";', changes: [] }, ...pages];
}

async function bundle({ file, source, changes }) {
  const module = file.endsWith(".mjs");
  const taken = {};
  const result = await build({
    stdin: { contents: source, resolveDir: new URL("src", HERE).pathname, loader: "ts" },
    bundle: true,
    minify: true, // first here: terser alone ends 2 % larger
    charset: "utf8",
    legalComments: "none",
    plugins: [changed([...changes, shortTemplates], taken)],
    format: module ? "esm" : "iife",
    target: "es2022",
    write: false,
  });
  const options = {
    ecma: 2020,
    module,
    compress: { passes: 3, toplevel: true, unsafe_arrows: true },
    mangle: { toplevel: true },
  };
  const { text } = result.outputFiles[0];
  const { code } = await minify(module ? text : `(() => {${declared(taken)}${text}})();`, options);
  return `/* kubehop widgets, Apache-2.0; lit-html is BSD-3-Clause, (c) Google LLC */\n${code}\n`;
}

const checking = process.argv.includes("--check");
let failed = false;
for (const script of await scripts()) {
  const code = await bundle(script);
  const path = new URL(script.file, OUT);
  if (checking) {
    const committed = await readFile(path, "utf8").catch(() => "");
    if (committed !== code) {
      failed = true;
      console.error(
        `${script.file} is not what the source builds. Run \`npm run build\` in widgets/ and commit it.`,
      );
    }
  } else {
    await writeFile(path, code);
  }
  const packed = gzipSync(code, { level: 9 }).length;
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  const heavy = packed > script.budget;
  const over = heavy ? `, over the budget of ${kb(script.budget)} (docs/decisions/0021)` : "";
  console.log(`${script.file}: ${kb(Buffer.byteLength(code))} minified, ${kb(packed)} gzipped${over}`);
  failed ||= heavy;
}
process.exitCode = failed ? 1 : 0;
