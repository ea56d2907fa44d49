// Starts the tracker above as Plausible's own scripts start: `site` is what the address of this script says.
// `element` is the script tag; a page either calls plausible.init(options) or has nothing but the tag.
const given = { ...element.dataset }
const pattern = (text) => new RegExp("^" + text.trim().split(/\*+/).map((p) => p.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(".*") + "$")
const listed = (text) => (text || "").split(",").filter(Boolean).map(pattern)
const here = () => location.pathname + (site.hashBasedRouting ? location.hash : "")
const wanted = () => {
	const include = listed(given.include), exclude = listed(given.exclude)
	return (!include.length || include.some((p) => p.test(here()))) && !exclude.some((p) => p.test(here()))
}
const attributes = () => {
	const named = element.getAttributeNames().filter((name) => name.startsWith("event-"))
	return Object.fromEntries(named.map((name) => [name.slice(6), element.getAttribute(name)]))
}

let started = false
const start = (options) => {
	if (started) return
	started = true
	const waiting = (window.plausible && window.plausible.q) || []
	init({
		...site,
		endpoint: given.api || new URL("../api/event", element.src).href,
		domain: site.domain || given.domain || location.hostname,
		...(site.exclusions && { transformRequest: (body) => wanted() && body }),
		...(site.pageviewProps && { customProperties: attributes }),
		...options,
	})
	for (const call of waiting) track(...call)
}

const early = window.plausible
if (early && early.o) start(early.o)
else {
	const queue = early || function () { (queue.q = queue.q || []).push(arguments) }
	queue.init = start
	window.plausible = queue
	// A tag without a snippet says everything in its attributes.
	if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => start())
	else setTimeout(start)
}
