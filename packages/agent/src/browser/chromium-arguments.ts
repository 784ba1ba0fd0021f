const CACHE_BYTES = 32 * 1024 * 1024;

/**
 * What Chromium is started with beside what its driver says. Everything goes by the proxy, requests to loopback too,
 * which the gateway then refuses: a page can speak to nothing of the container. Names are never resolved here. None of
 * it protects the world outside, since a hostile agent starts its own: the container has no network.
 */
export function chromiumArguments(proxyPort: number, backend: 'basic' | 'stealth' | 'persistent'): string[] {
  return [
    `--proxy-server=http://127.0.0.1:${proxyPort}`,
    '--proxy-bypass-list=<-loopback>',
    '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    '--dns-prefetch-disable',
    '--disable-quic',
    '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
    '--webrtc-ip-handling-policy=disable_non_proxied_udp',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-domain-reliability',
    '--disable-sync',
    '--no-pings',
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-crash-reporter',
    '--disable-breakpad',
    `--disk-cache-size=${CACHE_BYTES}`,
    // A tab more than these shares a process with another: what a page can take is bounded by the container alone.
    '--renderer-process-limit=3',
    // Not headless to those who look, with nothing to show a window on.
    ...(backend === 'stealth' ? ['--ozone-platform=headless'] : []),
  ];
}
