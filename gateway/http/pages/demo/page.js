// What a visitor can do on the demo page: move by pushState, and sign up.
const path = document.getElementById("path")
const show = () => { path.textContent = location.pathname }
document.querySelector("[data-push]").addEventListener("click", (event) => {
  event.preventDefault()
  history.pushState(null, "", event.target.href)
  show()
})
document.getElementById("signup").addEventListener("click", () => window.tallyway("Signup", { props: { plan: "demo" } }))
addEventListener("popstate", show)
show()
