// @plausible-analytics/tracker as an application would set it up.
import { init, track } from "@plausible-analytics/tracker"

const { domain, collector } = document.currentScript.dataset
init({ domain, endpoint: `${collector}/api/event`, outboundLinks: true, fileDownloads: true, logging: false })
window.signUp = () => track("Signup", { props: { plan: "pro" } })
