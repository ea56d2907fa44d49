// Opens Swagger UI on our own document. A file of its own, so that the page needs no inline script.
window.ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false, // a key typed here is gone with the tab
  validatorUrl: null, // nothing leaves for an outside validator
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
})
