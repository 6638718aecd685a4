// Builds the two bundles of the one source. `--check` builds to memory and fails when the committed files differ.
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const OUT = new URL("../src/kubehop/widgets/static/", import.meta.url);
const BUNDLES = [
  { entry: "src/jupyter.ts", file: "kubehop.mjs", format: "esm" },
  { entry: "src/page.ts", file: "kubehop.iife.js", format: "iife" },
];

/** White space between tags and after style rules says nothing; a minifier may not know that, we do. */
const shortTemplates = {
  name: "short-templates",
  setup(builder) {
    builder.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return { loader: "ts", contents: source.replace(/>\n\s+(?=[<$])/g, ">").replace(/\}\n\s+(?=<)/g, "}") };
    });
  },
};

/** Bytes of one bundle; docs/decisions/0021 says why. */
const BUDGET = { minified: 90_000, gzipped: 33_500 };

async function bundle({ entry, format }) {
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: new URL(".", import.meta.url).pathname,
    bundle: true,
    minify: true, // first here: terser alone ends 2 % larger
    charset: "utf8",
    legalComments: "none",
    plugins: [shortTemplates],
    format,
    target: "es2022",
    write: false,
  });
  const options = {
    ecma: 2020,
    module: format === "esm",
    compress: { passes: 3, toplevel: true, unsafe_arrows: true },
    mangle: { toplevel: true },
  };
  const { code } = await minify(result.outputFiles[0].text, options);
  return `/* kubehop widgets, Apache-2.0; lit-html is BSD-3-Clause, (c) Google LLC */\n${code}\n`;
}

const checking = process.argv.includes("--check");
let failed = false;
for (const each of BUNDLES) {
  const code = await bundle(each);
  const path = new URL(each.file, OUT);
  if (checking) {
    const committed = await readFile(path, "utf8").catch(() => "");
    if (committed !== code) {
      failed = true;
      console.error(
        `${each.file} is not what the source builds. Run \`npm run build\` in widgets/ and commit it.`,
      );
    }
  } else {
    await writeFile(path, code);
  }
  const [size, packed] = [Buffer.byteLength(code), gzipSync(code, { level: 9 }).length];
  const heavy = size > BUDGET.minified || packed > BUDGET.gzipped;
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  console.log(
    `${each.file}: ${kb(size)} minified, ${kb(packed)} gzipped${heavy ? `, over the budget of ${kb(BUDGET.minified)} and ${kb(BUDGET.gzipped)} (docs/decisions/0021)` : ""}`,
  );
  failed ||= heavy;
}
process.exitCode = failed ? 1 : 0;
