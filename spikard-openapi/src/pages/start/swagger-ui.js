// Starts Swagger UI with the document that the page names.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const page = document.getElementById("page");
  SwaggerUIBundle({
    url: new URL(page.dataset.document, document.baseURI).href,
    domNode: page,
    deepLinking: true,
    validatorUrl: null, // the badge would send the document to another host
  });
});
