// plausible-tracker, the older npm package, as its readme shows it.
import Plausible from "plausible-tracker"

const { domain, collector } = document.currentScript.dataset
const plausible = Plausible({ domain, apiHost: collector })
plausible.enableAutoPageviews()
plausible.enableAutoOutboundTracking()
window.signUp = () => plausible.trackEvent("Signup", { props: { plan: "pro" } })
