/*! Tallyway, MIT. The wire format of Plausible's trackers. */
(() => {
	const doc = document, loc = location, script = doc.currentScript, opt = script.dataset, old = window.tallyway || {}
	if (old.on) return
	const api = opt.api || new URL(script.src).origin + "/api/event", hashed = "hash" in opt
	const files = /\.(7z|avi|csv|dmg|docx?|exe|gz|iso|key|mov|mp[34]|pdf|pkg|pptx?|rar|txt|wav|xlsx?|zip)$/i
	let shown, page, seen, told, since, ms

	const silent = () => {
		if (!("dev" in opt) && /^(localhost|127(\.\d+){3}|\[::1?\]|0\.0\.0\.0|)$/.test(loc.hostname)) return true
		if ("dnt" in opt && (navigator.doNotTrack === "1" || navigator.globalPrivacyControl)) return true
		try { return !!localStorage.tallyway_ignore } catch { return false }
	}
	const send = (event) => {
		if (silent()) return
		const body = JSON.stringify({ d: opt.domain || loc.hostname, h: hashed ? 1 : undefined, ...event })
		fetch(api, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => {})
	}
	const url = () => hashed ? loc.href : loc.href.split("#")[0]
	const track = (n, { props: p, revenue: $, interactive } = {}) =>
		send({ n, u: url(), r: doc.referrer || null, p, $, i: interactive === false ? false : undefined })

	// Lowest pixel seen; time visible since the last report.
	const look = () => { seen = Math.max(seen, scrollY + innerHeight) }
	const clock = () => {
		const now = performance.now()
		if (since) ms += now - since
		since = doc.visibilityState === "visible" ? now : 0
	}
	const report = () => {
		clock()
		if (!page || (ms < 3000 && seen <= told)) return
		const sd = Math.min(100, Math.round(seen * 100 / Math.max(doc.documentElement.scrollHeight, 1)))
		send({ n: "engagement", u: page, sd, e: Math.round(ms) })
		told = seen
		ms = 0
	}
	const view = (again) => {
		const here = hashed ? loc.href : loc.pathname
		if (shown === here && again !== true) return
		report()
		shown = here
		page = url()
		seen = told = since = ms = 0
		clock()
		look()
		track("pageview")
	}
	const click = ({ button, target }) => {
		const a = button < 2 && target.closest && target.closest("a[href]")
		if (!a || !/^https?:$/.test(a.protocol)) return
		const event = a.host !== loc.host ? "Outbound Link: Click" : files.test(a.pathname) && "File Download"
		if (event) track(event, { props: { url: a.href } })
	}

	const push = history.pushState
	history.pushState = (...change) => {
		push.apply(history, change)
		view()
	}
	addEventListener("popstate", view)
	addEventListener("pageshow", (event) => event.persisted && view(true))
	addEventListener("pagehide", report)
	addEventListener("scroll", look, { passive: true })
	doc.addEventListener("visibilitychange", () => doc.hidden ? report() : clock())
	addEventListener("click", click)
	addEventListener("auxclick", click)

	window.tallyway = track
	track.on = true
	const start = () => {
		view()
		for (const call of old.q || []) track(...call)
	}
	doc.prerendering ? doc.addEventListener("prerenderingchange", start) : start()
})()
