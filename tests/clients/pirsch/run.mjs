// Calls the published SDK as its users do and prints what it returned or threw: one JSON object, by name of the call.
// Usage: node run.mjs '{"baseUrl", "webUrl", "hostname", "clientId", "clientSecret", "accessKey", "code", "userAgent",
// "script": [[name, client, method, ...arguments]]}'

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Pirsch } = require("pirsch-sdk");
const { Pirsch: WebApi } = require("pirsch-sdk/web-api");
const { Pirsch: Web } = require("pirsch-sdk/web");

const given = JSON.parse(process.argv[2]);

// What a browser gives the web client: a page, a screen, beacons, and its own user agent.
const axios = require("axios");
globalThis.location = new URL("http://localhost:3000/start?utm_source=news");
globalThis.document = { title: "Start", referrer: "https://www.google.com/" };
globalThis.screen = { width: 1920, height: 1080 };
const beacons = [];
const sendBeacon = (url, body) => beacons.push(fetch(url, { method: "POST", body, headers: { "user-agent": given.userAgent } }));
Object.defineProperty(globalThis, "navigator", { value: { sendBeacon }, configurable: true });
const shared = { baseUrl: given.baseUrl, hostname: given.hostname, protocol: "http", timeout: 15000 };
const clients = {
    node: () => new Pirsch({ ...shared, clientId: given.clientId, clientSecret: given.clientSecret }),
    key: () => new Pirsch({ ...shared, accessToken: given.accessKey }),
    webApi: () => new WebApi({ ...shared, accessToken: given.accessKey }),
    wrong: () => new Pirsch({ ...shared, clientId: given.clientId, clientSecret: "x".repeat(64) }),
    web: () => browser(() => new Web({ baseUrl: given.webUrl, identificationCode: given.code, hostname: given.hostname })),
};

function browser(make) {
    axios.default.defaults.headers.common["User-Agent"] = given.userAgent;
    try {
        return make();
    } finally {
        delete axios.default.defaults.headers.common["User-Agent"];
    }
}

function dated(value) {
    if (Array.isArray(value)) return value.map(dated);
    if (value === null || typeof value !== "object") return value;
    if ("$date" in value) return new Date(value.$date);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, dated(inner)]));
}

const found = {};
for (const [name, kind, method, ...args] of given.script) {
    try {
        const client = clients[kind]();
        const returned = await client[method](...dated(args));
        found[name] = { returned: returned === undefined ? null : returned };
        if (returned instanceof Error) found[name] = { error: returned.message, code: returned.code };
    } catch (error) {
        found[name] = { error: error.message, code: error.code ?? error.data?.error };
    }
}
for (const sent of beacons) if ((await sent).status !== 200) throw new Error(`beacon: ${(await sent).status}`);
console.log(JSON.stringify(found));
