/*!
 * Flask-WorkOS-Sessions: tells people before they are signed out, and lets them stay.
 *
 * The server decides; the clocks here only say when to ask it. Asking (GET) keeps nobody signed
 * in, a click on the button (POST) does. The page stays where it is, with all that was typed.
 */
(() => {
  "use strict";

  // People may write elements with our id, but no scripts: only a script of ours configures us.
  const block = document.querySelector('script[type="application/json"]#workos-session');
  const config = block && JSON.parse(block.textContent);
  const started = Symbol.for("workos-session");
  if (config?.state?.state !== "active" || window[started]) return;

  const addresses = ["status_url", "extend_url", "sign_in_url", "sign_out_url"].map(
    (name) => new URL(config[name], location.href),
  );
  if (addresses.some((url) => url.origin !== location.origin)) return;
  const [statusUrl, extendUrl, signInUrl, signOutUrl] = addresses;
  window[started] = true;

  const ENDED = {
    inactivity: "You were away, so we signed you out to protect your account.",
    max_length: "You were signed in for as long as your organization allows.",
    revoked: "An administrator or a security check signed you out.",
    signed_out: "You signed out in another tab or window.",
    access_removed: "Your account no longer has access.",
  };
  const LIMIT = "Your organization's time limit is reached then. Save your work and sign in again.";
  const now = () => performance.now();

  let state, steady, wall; // The newest answer, and both clocks when it was asked for.
  let over = ""; // "ended", or "changed" when somebody else is signed in: the server said so.
  let reason;
  let lost = false; // The last question had no answer.
  let settled; // When the last question was settled.
  let next; // No question before, unless something happens.
  let wanted = 0; // Until when a click on "Stay signed in" is tried again.
  let busy, timer, said, before;

  function adopt(answer, askedAt) {
    if (answer.state !== "active") throw new TypeError("not a status");
    if (state && answer.sub !== state.sub) {
      over = "changed";
    } else if (!state || over || answer.ver >= state.ver) {
      over = "";
      state = answer;
      steady = askedAt;
      wall = Date.now() - (now() - askedAt);
    }
  }

  // The later of two clocks counts: one may stand still in sleep, the other may be set.
  function remaining() {
    if (state.expires_in === null) return Infinity;
    const passed = Math.max(now() - steady, Date.now() - wall) / 1000;
    return Math.max(0, Math.ceil(state.expires_in - passed));
  }

  async function ask(method) {
    while (busy) await busy;
    busy = exchange(method);
    await busy;
    busy = null;
    tick();
  }

  async function exchange(method) {
    const askedAt = now();
    let pause = 5;
    try {
      const response = await fetch(method === "POST" ? extendUrl : statusUrl, {
        method,
        headers: { Accept: "application/json" },
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(8000),
      });
      if (response.status === 401) {
        reason = (await response.json()).reason;
        over = "ended";
      } else if (response.status === 409) {
        state.extendable = false;
      } else if (response.ok) {
        adopt(await response.json(), askedAt);
      } else {
        pause = Math.min(60, Number(response.headers.get("Retry-After")) || pause);
        throw new Error("no answer");
      }
      lost = false;
      if (method === "POST") wanted = 0;
      pause = remaining() ? 15 : 2;
    } catch {
      lost = true;
    }
    settled = now();
    next = settled + pause * 1000;
  }

  function tick() {
    clearTimeout(timer);
    if (document.hidden) return;
    const left = over ? 0 : remaining();
    const near = left <= config.warn;
    if (near && !over && !busy && now() >= next) ask(now() < wanted ? "POST" : "GET");
    // Another tab may have extended: the warning begins only after an answer.
    show(left, over || (near && (!bar.hidden || now() - settled < 5000)));
    const clocks = document.querySelectorAll("[data-workos-remaining]");
    if (left < Infinity) for (const clock of clocks) clock.textContent = digits(left);
    const wait = near || clocks.length ? 1 : left - config.warn;
    if (!over) timer = setTimeout(tick, Math.min(wait, 30) * 1000);
  }

  function digits(left) {
    const [hours, minutes, seconds] = [left / 3600, (left / 60) % 60, left % 60].map(Math.floor);
    const two = (n) => String(n).padStart(2, "0");
    return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds)}`;
  }

  function words(left) {
    const count = (n, unit) => (n ? [`${n} ${unit}${n === 1 ? "" : "s"}`] : []);
    return [...count(Math.floor(left / 60), "minute"), ...count(left % 60, "second")].join(" ");
  }

  function sentences(left) {
    if (over === "ended")
      return ["Your session has ended.", `${ENDED[reason] ?? ""} What you typed is still here.`];
    if (over)
      return ["Somebody else is signed in now.", "Reload this page to go on with that account."];
    const note = lost ? "We could not reach the server. Still trying." : "";
    if (!left) return ["Checking whether you are still signed in.", note];
    return [`You will be signed out in ${words(left)}.`, note || (state.extendable ? "" : LIMIT)];
  }

  function show(left, visible) {
    if (!root.isConnected) document.body.append(root);
    const focused = bar.contains(document.activeElement);
    if (visible) {
      [text.textContent, note.textContent] = sentences(left);
      stay.hidden = over || !state.extendable;
      again.hidden = over ? over !== "ended" : state.extendable;
      leave.hidden = over;
      // Spoken at each minute, at 40 and at 20 seconds, and when something happens.
      const step = [20, 40].find((most) => left <= most) ?? Math.ceil(left / 60) * 60;
      const moment = over || `${step} ${lost} ${state.extendable}`;
      if (moment !== said) live.textContent = `${text.textContent} ${note.textContent}`;
      said = moment;
      bar.hidden = false;
    } else if (!bar.hidden) {
      live.textContent = "You are still signed in.";
      said = "";
      bar.hidden = true;
    }
    if (focused && !document.activeElement?.checkVisibility())
      (bar.hidden ? before : again)?.focus({ preventScroll: true });
  }

  function make(tag, name, content, parent) {
    const node = document.createElement(tag);
    node.className = name;
    node.textContent = content;
    parent?.append(node);
    return node;
  }
  const main = "workos-session-button workos-session-main";
  const root = make("div", "workos-session", "");
  const live = make("p", "workos-session-live", "", root);
  const bar = make("section", "workos-session-bar", "", root);
  const text = make("p", "workos-session-text", "", bar);
  const note = make("p", "workos-session-note", "", bar);
  const actions = make("div", "workos-session-actions", "", bar);
  const stay = make("button", main, "Stay signed in", actions);
  const again = make("a", main, "Sign in again", actions);
  const leave = make("form", "", "", actions);
  make("button", "workos-session-button", "Sign out", leave);
  root.lang = "en";
  live.role = "status";
  bar.ariaLabel = "Your sign-in";
  bar.hidden = true;
  stay.type = "button";
  // In another tab: what was typed here stays, and coming back asks the server.
  Object.assign(again, { href: signInUrl, target: "_blank", rel: "noopener" });
  Object.assign(leave, { method: "post", action: signOutUrl });
  stay.addEventListener("click", () => {
    if (!busy || now() >= wanted) ask("POST");
    wanted = now() + 60000;
  });
  bar.addEventListener("focusin", (event) => {
    if (!bar.contains(event.relatedTarget)) before = event.relatedTarget;
  });

  const check = () => {
    if (!document.hidden && !busy && now() - settled > 5000) ask("GET");
    else tick();
  };
  document.addEventListener("visibilitychange", check);
  for (const name of ["focus", "online"]) addEventListener(name, check);
  // A page that the browser kept for the Back button may be somebody's who has signed out.
  addEventListener("pageshow", (event) => (event.persisted ? ask("GET") : tick()));

  settled = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;
  next = settled + 15000;
  adopt(config.state, settled);
  tick();
})();
