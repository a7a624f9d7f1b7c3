import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// `npm run dev` shows the app of this directory with the data of a running server.
const server = process.env.HADRON_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react()],
  build: { target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 400 },
  server: {
    proxy: {
      '/api': { target: server, ws: true },
      '/prometheus': server,
      '/fn': server,
      '/readyz': server,
    },
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
})
