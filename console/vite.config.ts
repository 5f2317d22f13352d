import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import type { Plugin } from 'vite';

// The page is app.html, not index.html: dist/index.html is the committed stub
// that a program built without Node shows, and a build must not change it.
// The development server needs to be told the same.
const appHtml: Plugin = {
  name: 'app-html',
  configureServer(server) {
    server.middlewares.use((req, _res, next) => {
      const path = (req.url ?? '').split('?')[0]!;
      if (path.startsWith('/console/') && !/\.\w+$/.test(path) && !path.includes('/@') && !path.includes('/node_modules/')) {
        req.url = '/console/app.html';
      }
      next();
    });
  },
};

export default defineConfig({
  base: '/console/',
  plugins: [appHtml, svelte()],
  build: {
    target: 'es2022',
    emptyOutDir: false, // keeps dist/index.html; `prebuild` removes the rest
    rolldownOptions: { input: 'app.html' },
    // Inlined data: scripts and fonts would break the security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1300, // maplibre-gl, loaded only with the map
  },
  worker: { format: 'es' },
  server: {
    proxy: { '^/(api|v1\\.1)/': { target: process.env.ANLAN_URL ?? 'http://127.0.0.1:8080', changeOrigin: false } },
  },
  test: { include: ['test/unit/**/*.test.ts'], environment: 'node' },
});
