import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// The build goes into ../dist, which is committed and embedded in the binary. Paths are relative, so that the page works
// behind a proxy that serves it below a path.
export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: but for images
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": process.env.ROLLCALL ?? "http://localhost:8080" } },
  test: {
    projects: [
      { extends: true, test: { name: "unit", include: ["src/**/*.test.ts"], environment: "node" } },
      { extends: true, test: { name: "e2e", include: ["e2e/**/*.test.ts"], environment: "node", globalSetup: "e2e/setup.ts", testTimeout: 60_000, hookTimeout: 120_000, maxWorkers: 2 } },
    ],
  },
});
