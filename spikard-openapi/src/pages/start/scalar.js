// Starts Scalar with the document that the page names, and without what needs another host.
"use strict";

// Its validator (zod) would try whether it may make functions of text, which the policy forbids.
window.__zod_globalConfig = { jitless: true };

document.addEventListener("DOMContentLoaded", () => {
  const page = document.getElementById("page");
  Scalar.createApiReference(page, {
    url: new URL(page.dataset.document, document.baseURI).href,
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    showDeveloperTools: "never",
  });
});
