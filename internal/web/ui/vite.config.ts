import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

// Everything that decides what the build makes. dist_test.go computes the same hash, so that `go test` notices a dist
// that was not built from these sources without needing node.
function sources(root: string): string[] {
  const inSrc = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && !e.name.endsWith(".test.ts"))
    .map((e) => join(e.parentPath, e.name).slice(root.length + 1).replaceAll("\\", "/"));
  return ["index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts", ...inSrc].sort();
}

function recordSources(): Plugin {
  return {
    name: "record-sources",
    apply: "build",
    closeBundle() {
      const root = import.meta.dirname;
      const all = createHash("sha256");
      for (const name of sources(root)) {
        const one = createHash("sha256").update(readFileSync(join(root, name))).digest("hex");
        all.update(`${one}  ${name}\n`);
      }
      writeFileSync(join(root, "../dist/sources.sha256"), all.digest("hex") + "\n");
    },
  };
}

const backend = process.env.TRUECOUNT_URL ?? "http://127.0.0.1:9090";

export default defineConfig({
  base: "./", // relative, so that the pages also work below a path of a reverse proxy
  plugins: [recordSources()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: ["chrome123", "firefox120", "safari17.5"], // the first with light-dark()
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  // `npm run dev` serves the sources with a running `truecount up` behind them.
  server: { proxy: { "/api": backend } },
});
