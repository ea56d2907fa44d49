// Beside Tallyway's own snippet, which the page loads from the collector.
window.signUp = () => window.tallyway("Signup", { props: { plan: "pro" } })
