// Sends events through the published plausible-client as a server-rendered page would.
// Usage: node send.mjs '{"apiHost", "domain", "events": [[name, data], ...]}'

import { createRequire } from "node:module";

const { Plausible } = createRequire(import.meta.url)("plausible-client");
const { apiHost, domain, events, userAgent, address } = JSON.parse(process.argv[2]);

// A browser names itself and comes from somewhere; fetch in Node does neither.
const { fetch } = globalThis;
globalThis.fetch = (url, options) =>
	fetch(url, { ...options, headers: { ...options.headers, "user-agent": userAgent, "x-forwarded-for": address } });

const client = new Plausible({ apiHost, domain });
for (const [name, data] of events) await client.sendEvent(name, data);
