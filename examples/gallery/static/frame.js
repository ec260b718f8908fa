// What somebody does in a frame of the gallery: types, stays, closes or returns.
(() => {
  "use strict";
  const { does } = document.currentScript.dataset;
  const acts = (word) => does.split(" ").includes(word);
  const again = (value) => {
    document.cookie = `again=1; path=${location.pathname}; max-age=${value}`;
  };
  again(0);

  // Frames that open a dialog do not move the page around them.
  const { focus } = HTMLElement.prototype;
  HTMLElement.prototype.focus = function () {
    focus.call(this, { preventScroll: true });
  };

  // A script cannot type as people do, so the session script is told that somebody did.
  const listeners = [];
  const { addEventListener } = EventTarget.prototype;
  document.addEventListener = function (kind, listener, ...more) {
    if (kind === "beforeinput") listeners.push(listener);
    addEventListener.call(this, kind, listener, ...more);
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (!acts("types")) return;
    const target = document.querySelector("#text");
    for (const listener of listeners) listener({ isTrusted: true, target });
    target.value += "An idea that nobody else has";
  });

  if (acts("stays")) {
    const button = document.createElement("button");
    button.dataset.workosAction = "extend";
    button.hidden = true;
    document.addEventListener("DOMContentLoaded", () => document.body.append(button));
    setInterval(() => button.click(), 2000);
  }

  if (acts("closes")) {
    const close = setInterval(() => {
      const dialog = document.querySelector("dialog[open]");
      if (!dialog) return;
      clearInterval(close);
      dialog.dispatchEvent(new Event("cancel", { cancelable: true }));
    }, 200);
  }

  if (acts("returns")) {
    document.addEventListener("workos-session:ended", () => {
      again(60);
      const name = location.pathname.split("/")[1];
      const channel = new BroadcastChannel(`workos-session:gallery-${name}`);
      setTimeout(() => channel.postMessage({ v: 1, t: "signed-in" }), 1000);
    });
  }
})();
