import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';
import { PHASE_DEVELOPMENT_SERVER } from 'next/constants.js';

const workspaceRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The production console is reached through the API's port, so only `next dev` has to forward the API's paths. */
export default function config(phase: string): NextConfig {
  const api = `http://127.0.0.1:${process.env['SLIPWAY_API_PORT'] ?? '4000'}`;
  return {
    turbopack: { root: workspaceRoot },
    images: { unoptimized: true },
    poweredByHeader: false,
    reactStrictMode: true,
    typedRoutes: false,
    agentRules: false,
    ...(phase === PHASE_DEVELOPMENT_SERVER && {
      allowedDevOrigins: ['127.0.0.1'],
      rewrites: async () => ['/v1/:path*', '/v2/:path*', '/docs/:path*'].map((source) => ({ source, destination: `${api}${source}` })),
    }),
  };
}
