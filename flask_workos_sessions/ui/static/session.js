/*!
 * Flask-WorkOS-Sessions: tells people before they are signed out, and lets them stay.
 * The server decides; the clocks here only say when to ask. Asking (GET) keeps nobody signed in,
 * a click (POST) does. The page stays where it is, with all that was typed.
 */
(() => {
  "use strict";
  // People may write elements with our id, but no scripts: only a script of ours configures us.
  const block = document.querySelector('script[type="application/json"]#workos-session');
  const config = block && JSON.parse(block.textContent);
  const started = Symbol.for("workos-session");
  if (config?.state?.state !== "active" || window[started]) return;
  const [statusUrl, extendUrl, signInUrl, signOutUrl] = ["status", "extend", "sign_in", "sign_out"]
    .map((name) => new URL(config[`${name}_url`], location.href))
    .filter((url) => url.origin === location.origin);
  if (!signOutUrl) return;
  window[started] = true;

  const now = () => performance.now();
  let state, steady, wall; // The newest answer, and both clocks when it was asked for.
  let over = ""; // "ended", or "changed" when somebody else is signed in, as the server said.
  let lost = false; // The last question had no answer.
  let wanted = 0; // Until when a click on "Stay signed in" is tried again.
  let settled, next, busy, timer, said, before;

  function adopt(answer, askedAt) {
    if (answer.state !== "active") throw new TypeError("no status");
    if (state && answer.sub !== state.sub) over = "changed";
    else if (!state || over || answer.ver >= state.ver) {
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
    await (busy = exchange(method, now()));
    busy = null;
    tick();
  }

  async function exchange(method, askedAt) {
    let pause = 5;
    try {
      const response = await fetch(method === "POST" ? extendUrl : statusUrl, {
        method,
        headers: { Accept: "application/json" },
        redirect: "error",
        signal: AbortSignal.timeout(8000),
      });
      pause = Math.min(60, Number(response.headers.get("Retry-After")) || pause);
      const answer = await response.json();
      if (response.status === 401) over = "ended";
      else if (response.status === 409) state.extendable = false;
      else adopt(answer, askedAt);
      lost = false;
      if (method === "POST") wanted = 0;
      pause = remaining() > config.warn ? 0 : remaining() ? 15 : 2;
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
    const wait = near || clocks.length ? 1 : Math.min(left - config.warn, 30);
    if (!over) timer = setTimeout(tick, wait * 1000);
  }

  const digits = (left) => {
    const two = (n) => String(Math.floor(n)).padStart(2, "0");
    const rest = `${two((left / 60) % 60)}:${two(left % 60)}`;
    return left < 3600 ? rest.replace(/^0/, "") : `${Math.floor(left / 3600)}:${rest}`;
  };
  const count = (n, unit) => (n ? `${n}\u00a0${unit}${n === 1 ? "" : "s"} ` : "");
  const words = (n) => (count(Math.floor(n / 60), "minute") + count(n % 60, "second")).trim();

  function sentences(left) {
    if (over === "ended") return ["Your session has ended.", "Sign in before you send what you typed."];
    if (over) return ["Somebody else is signed in now.", "Reload this page to use that account."];
    const limit = state.extendable ? "" : "This cannot be extended. Save your work before then.";
    return [
      left ? `You will be signed out in ${words(left)}.` : "Checking if you are still signed in.",
      lost ? "We could not reach the server. Still trying." : limit,
    ];
  }

  function show(left, visible) {
    if (!root.isConnected) document.body.append(root);
    const focused = bar.contains(document.activeElement) && document.activeElement;
    if (visible) {
      [text.textContent, note.textContent] = sentences(left);
      stay.hidden = !!over || !state.extendable;
      again.hidden = over ? over !== "ended" : state.extendable;
      leave.hidden = !!over;
      // Spoken at each minute, at 40 and at 20 seconds, and when something happens.
      const step = [20, 40].find((most) => left <= most) ?? Math.ceil(left / 60);
      const moment = [over, lost, state.extendable, step].join();
      if (moment !== said) live.textContent = `${text.textContent} ${note.textContent}`;
      said = moment;
    } else if (!bar.hidden) said = live.textContent = "You are still signed in.";
    bar.hidden = !visible;
    if (focused && !focused.checkVisibility())
      (visible ? again : before)?.focus({ preventScroll: true });
  }

  function make(tag, name, parent, more) {
    const node = document.createElement(tag);
    parent?.append(node);
    return Object.assign(node, { className: `workos-session${name}` }, more);
  }
  const root = make("div", "", null, { lang: "en" });
  const live = make("p", "-live", root, { role: "status" });
  const bar = make("section", "-bar", root, { ariaLabel: "Your sign-in", hidden: true });
  const text = make("p", "-text", bar);
  const note = make("p", "-note", bar);
  const actions = make("div", "-actions", bar);
  const stay = make("button", "-main", actions, { type: "button", textContent: "Stay signed in" });
  // In another tab: what was typed here stays, and coming back asks the server.
  const link = { href: signInUrl, target: "_blank", rel: "noopener", textContent: "Sign in again" };
  const again = make("a", "-main", actions, link);
  const leave = make("form", "-leave", actions, { method: "post", action: signOutUrl });
  make("button", "-other", leave, { textContent: "Sign out" });
  stay.addEventListener("click", () => {
    if (!busy || now() >= wanted) ask("POST");
    wanted = now() + 60000;
  });
  bar.addEventListener("focusin", (event) => {
    if (!bar.contains(event.relatedTarget)) before = event.relatedTarget;
  });

  const check = () => {
    if (!document.hidden && !busy && (over || now() - settled > 5000)) ask("GET");
    else tick();
  };
  for (const name of ["visibilitychange", "focus", "online"]) addEventListener(name, check);
  // A request of htmx was refused.
  addEventListener("workos-session:401", () => busy || over || ask("GET"));
  // What the browser kept for its Back button may be of somebody who has signed out.
  addEventListener("pageshow", (event) => (event.persisted ? ask("GET") : tick()));

  settled = performance.getEntriesByType("navigation")[0]?.requestStart ?? 0;
  adopt(config.state, settled);
  next = remaining() > config.warn ? 0 : settled + 15000;
  tick();
})();
