// Tells Redoc, which starts itself behind this script, what the page is about.
"use strict";

const page = document.querySelector("redoc");
page.setAttribute("spec-url", new URL(page.dataset.document, document.baseURI).href);
page.setAttribute("disable-telemetry", "true");
page.setAttribute("sanitize", "true"); // descriptions of upstreams are written by others

// Its search would make a worker of text (`Function(...)`), which the policy of the page forbids.
// Without workers it searches by itself.
window.Worker = undefined;
