"use strict";
// The keyboard goes to the terminal as soon as it shows something; to the link when it has ended.
document.addEventListener("DOMContentLoaded", () => {
  const seen = new Set();
  const focus = { "-first-byte": ".xterm-helper-textarea", "-closed": "#again" };
  new MutationObserver(() => {
    for (const [state, target] of Object.entries(focus)) {
      if (document.body.classList.contains(state) && !seen.has(state)) {
        seen.add(state);
        document.querySelector(target)?.focus();
      }
    }
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
});
