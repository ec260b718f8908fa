// Somebody has signed in again here, for a page in another tab. The scripts there hear of it, and
// ask the server.
(() => {
  "use strict";
  const { channel } = document.currentScript.dataset;
  if (!window.BroadcastChannel) return;
  new BroadcastChannel(`workos-session:${channel}`).postMessage({ v: 1, t: "signed-in" });
})();
