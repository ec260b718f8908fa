// Tells people before they are signed out, and loses nothing of theirs. The server decides when a
// session ends; the clocks here only say when to ask. Asking (GET) keeps nobody signed in,
// extending (POST) does.
(() => {
  const { document } = window;
  // What configures us stands beside our own script element: ids, names and attributes may be in
  // what people write, and an element of that name in the place of a property.
  let root = Reflect.get(Document.prototype, "currentScript", document).parentElement;
  const config = JSON.parse(root.querySelector("script").textContent);
  const started = Symbol.for("workos-session");
  // A body that was swapped in brings its own markup; whoever runs already goes on with that.
  if (window[started]) return window[started](root, config);
  const { urls } = config;
  const absolute = (url) => new URL(url, location);
  const ours = (url) => url.startsWith(`${location.origin}/`); // An absolute one.
  const destination = (form) => Reflect.get(HTMLFormElement.prototype, "action", form);
  if (!Object.values(urls).every((url) => ours(absolute(url).href))) return;

  const LEVELS = ["active", "notice", "warning", "checking", "ended"];
  const KEEP = 900000; // Milliseconds for which a page that was taken away can be put back.
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  let page = config.state; // Whose page this is, with which rights.
  let info = page; // The newest answer,
  let given; // and the moment of it.
  let settled; // The moment at which the last question was settled, answered or not.
  let level = -1; // What is shown: an index of LEVELS.
  let state = "active"; // Its name; or "offline", when nobody answers after the end.
  let over = null; // Why it ended, as the server said; "again" when a new one has begun.
  let seen = page.access; // The rights that were last spoken of.
  let due = 0; // When to ask again.
  let misses = 0; // Questions in a row that had no answer.
  let wanted = 0; // Until when a wish to stay is tried again.
  let extended = -9e5; // When the last extension was tried.
  let gesture = 0; // When somebody did something here.
  let typing = -9e5; // When somebody typed into a field.
  let flash = 0; // Until when "You're still signed in" shows.
  let later; // The dialog was closed (after the end: which one): the banner says it.
  let dismissed; // The notice need not be given again.
  let muted; // The app shows this itself.
  let hesitates; // Until when the dialog waits, at most.
  let stale; // The forms need a new token, once somebody looks.
  let failed, changed, busy, timer, hinted, locked, channel;
  let banner, dialog, scene, said, badge, entered, title, before;
  const edited = new Map(); // Fields that somebody typed into, and what was there before.

  // Time. The later of two clocks counts: one may stand still in sleep, the other may be set.

  const now = () => performance.now();
  const moment = (at = now()) => [at, Date.now() - now() + at];
  const since = ([steady, wall]) => Math.max(now() - steady, Date.now() - wall);

  function left(limit) {
    return limit === null ? Infinity : Math.max(0, Math.ceil(limit - since(given) / 1000));
  }

  function words(seconds, unitDisplay = "long") {
    const minutes = Math.ceil(seconds / 60);
    const rest = minutes % 60;
    const hours = (minutes - rest) / 60;
    const part = (n, unit) =>
      n.toLocaleString(root.lang || [], { style: "unit", unit, unitDisplay });
    if (seconds <= 60) return part(seconds, "second");
    if (!hours) return part(rest, "minute");
    return part(hours, "hour") + (rest ? " " + part(rest, "minute") : "");
  }

  // Events.

  const known = (limit) => limit && left(limit);
  const detail = () => ({
    state,
    reason: over,
    expiresIn: known(info.expires_in),
    idleIn: known(info.idle_in),
    maxIn: known(info.max_in),
    extendable: info.extendable,
  });

  // Whether the app left it to us.
  function emit(name, source) {
    return document.dispatchEvent(
      new CustomEvent(`workos-session:${name}`, {
        cancelable: true,
        detail: { ...detail(), source },
      }),
    );
  }

  // Asking.

  async function ask(source) {
    while (busy) {
      await busy;
      if (!source) return;
    }
    await (busy = exchange(source));
    busy = null;
    settled = moment();
    render();
  }

  const call = (url, method) =>
    fetch(url, {
      method,
      headers: { Accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(8000),
    });

  async function exchange(source) {
    const at = moment();
    let pause;
    if (source) {
      extended = now();
      stale = 0;
    }
    try {
      const response = await (source ? call(urls.extend, "POST") : call(urls.status));
      pause = response.headers.get("Retry-After");
      const answer = await response.json();
      // Who has deleted the cookie is told no reason.
      if (answer.state === "ended") end(answer.reason ?? "unknown");
      else if (answer.sub) alive(answer, at);
      else throw answer;
      if (misses) emit("online");
      misses = 0;
      if (source) {
        failed = wanted = 0;
        renew(answer.csrf_token);
        if (response.ok && source === "button") flash = now() + 5000;
        emit(response.ok ? "extended" : "extend-failed", source);
      }
      plan();
    } catch {
      if (!misses++) emit("offline");
      if (source) failed ||= emit("extend-failed", source);
      plan(Math.min(60, pause) || (level && 5 * Math.min(misses, 6)));
    }
  }

  // When to ask again, if nothing else happens.
  function plan(seconds) {
    const remain = left(info.expires_in);
    const idle = now() - gesture > 600000;
    const poll = (config.poll || Infinity) * 2 ** (idle + Math.min(misses, 3));
    seconds ||= remain > config.warn ? poll * (0.9 + Math.random() / 5) : remain ? 15 : 2;
    return (due = now() + 1000 * seconds);
  }

  function alive(answer, at) {
    if (answer.sub !== page.sub) return end("user_changed");
    if (answer.sid === info.sid && answer.ver < info.ver) return; // Overtaken by a newer one.
    info = answer;
    given = at;
    if (over) resume();
    const access = answer.changed ? answer.rev : answer.access;
    if (access !== seen) changed = access !== page.access && emit("changed");
    seen = access;
    tell("asked");
  }

  function extend(source = "app") {
    wanted = now() + 60000;
    return ask(source);
  }

  async function signOut() {
    try {
      const answer = await call(urls.sign_out, "POST");
      const { logout_url } = await answer.json();
      tell("ended");
      location.assign(logout_url ?? urls.sign_out);
    } catch {
      location.assign(urls.sign_out); // A page that asks.
    }
  }

  // A form's own token outlives nothing: it is renewed, in forms that lead to this site.
  function renew(token) {
    if (!token) return;
    for (const field of all(`input[name="${config.csrf}"]`)) {
      if (field.form && ours(destination(field.form))) field.value = token;
    }
    for (const meta of all("meta[name=csrf-token]")) meta.content = token;
  }

  // The end, and the way back.

  function end(reason) {
    // Whose typing it is, nobody can tell once another person was there.
    if (over === reason || over === "user_changed") return;
    if (!over) tell("ended");
    over = reason;
    state = "ended";
    muted = !emit(state);
    if (muted || !config.show) return;
    const kept = /^[im]/.test(reason); // inactivity, max_length
    if (!locked) {
      // First of all: whoever is asked whether to leave may say no.
      lock();
      if (config.leave || !(kept || edited.size)) {
        location.replace(urls.ended + "?reason=" + reason);
      }
    }
    if (!kept) forget();
  }

  // What the server sent leaves the document: a blur would hide it from nobody. It comes back for
  // the same person with the same rights; after other ends only what was typed is kept.
  function lock() {
    close();
    locked = {
      at: moment(),
      modals: all("dialog:modal"),
      typed: harvest(),
      focus: document.activeElement,
      scroll: all("*").map((each) => [each, each.scrollLeft, each.scrollTop]),
      page: document.body,
    };
    document.body = document.createElement("body");
    document.body.append(root);
    for (const each of all("[data-workos-whom]")) each.remove(); // Nobody acts for them any more.
    observer.observe(document.body, { childList: true });
    setTimeout(render, KEEP);
  }

  const observer = new MutationObserver(() => {
    for (const node of [...document.body.childNodes]) if (node !== root) node.remove();
    render();
  });

  function forget() {
    locked = { typed: locked.typed };
    before = null;
    edited.clear();
  }

  function resume() {
    if (locked) {
      const back = locked.page && since(locked.at) < KEEP && info.access === page.access;
      if (!back) {
        over = "again";
        return forget();
      }
      observer.disconnect();
      close();
      document.body = locked.page;
      document.body.append(root);
      for (const each of locked.modals) {
        each.open = false; // Not close(): nobody has closed it.
        each.showModal();
      }
      locked.focus.focus();
      for (const [each, x, y] of locked.scroll) each.scrollTo(x, y);
    }
    locked = over = later = null;
    stale = config.csrf && "resumed";
    emit("resumed");
  }

  const content = (field) => `${field.value ?? field.innerText}`;

  function harvest() {
    const texts = [];
    for (const [field, old] of edited) {
      if (!field.isConnected || /off|pass|cc-|one-/.test(field.type + field.autocomplete)) continue;
      const text = content(field);
      // What was there before, the server sent: at both ends, and pieces between two changes.
      let mine = "";
      let [from, to, end] = [0, text.length, old.length];
      while (from < to && old[from] === text[from]) from++;
      while (from < to && from < end && old[end - 1] === text[to - 1]) to--, end--;
      const theirs = new Set();
      while (end > from) theirs.add(old.slice(--end, end + 8));
      for (; from < to; from++) {
        if (from + 7 < to && theirs.has(text.slice(from, from + 8))) end = from + 8;
        if (from >= end) mine += text[from];
      }
      texts.push(mine);
    }
    return texts.join("\n\n").trim();
  }

  // What people see.

  function render() {
    clearTimeout(timer);
    const seconds = left(info.expires_in);
    const notice = config.notice * (info.extendable ? 1 : 2);
    let next = seconds > notice ? 0 : seconds > config.warn ? 1 : seconds ? 2 : 3;
    if (over) next = 4;
    else if (document.hidden) return;
    // Another tab may have extended: nothing begins without a fresh answer.
    else if (level >= 0 && next > level && next < 3 && since(settled) > 5000) {
      if (!busy) ask();
      next = level;
    } else if (!busy && (stale || now() >= due || (next > 2 && level < 3))) {
      ask(stale || (now() < wanted && "button"));
    }
    enter(next, seconds);
    paint(seconds);
    if (next > 3) return;
    const ticking = level || flash > now() || all("[data-workos-countdown]:not([hidden] *)").length;
    const wait = ticking ? 1000 : Math.min(due - now(), (seconds - notice) * 1000, 2e9);
    timer = setTimeout(render, Math.max(wait, 250));
  }

  function enter(next, seconds) {
    if (next < 2) later = hesitates = 0;
    if (!next) failed = dismissed = 0;
    level = next;
    state = next === 3 && misses ? "offline" : LEVELS[next];
    if (state === entered) return;
    document.documentElement.dataset.workosSession = entered = state;
    if (next < 3) muted = next && !emit(state);
    if (next === 2 && seconds < 20) later = 1; // Too late for a dialog to be read.
    if (next > 2) hesitates = now() + 1000;
  }

  // Which of our sentences the banner shows, and which the dialog.
  function scenes(seconds) {
    if (level > 3) return muted ? [] : later === over ? ["locked"] : ["", `ended-${over}`];
    const quiet = flash > now() ? "extended" : changed && "changed";
    if (level > 2) {
      return later ? [state] : misses || scene || now() > hesitates ? ["", state] : [quiet];
    }
    if (level > 1 && !muted && !later) {
      // Somebody who types would press the button that comes up: a moment of silence first.
      hesitates ||= now() + 3000;
      const waits = !scene && seconds > 19 && now() - typing < 1500 && now() < hesitates;
      return waits ? [quiet] : ["", `warning-${info.because}`];
    }
    return [!level || muted || (level < 2 && dismissed) ? quiet : `soon-${info.because}`];
  }

  function paint(seconds) {
    if (locked?.page && since(locked.at) >= KEEP) forget();
    const [quiet, loud] = config.show ? scenes(seconds) : [];
    const typed = locked && !locked.page && over !== "user_changed" ? locked.typed : "";
    const why = over ?? info.because;
    const shown = [
      state,
      why,
      `${state}-${why}`,
      edited.size && `${state}-dirty`,
      quiet,
      loud,
      failed && level < 3 && "failed",
      locked?.page && "kept",
      typed && "typed",
    ];
    if (!root.isConnected) document.body.append(root);
    const { activeElement } = document;
    for (const node of all("[data-workos-when]")) {
      node.hidden = !node.dataset.workosWhen.split(" ").some((each) => shown.includes(each));
    }
    for (const clock of all("[data-workos-countdown]")) {
      const limit = clock.dataset.workosCountdown ? info.max_in : info.expires_in;
      clock.textContent = limit === null ? "" : words(left(limit));
    }
    for (const field of all("[data-workos-typed]", root)) {
      if (field.value !== typed) field.value = typed;
    }
    if (banner) banner.hidden = !quiet;
    if (banner?.contains(activeElement) && !activeElement.checkVisibility()) before?.focus();
    if (!loud) close();
    else if (dialog && !dialog.matches(":modal")) {
      before = document.activeElement;
      before.blur(); // What the browser gives the focus back to loses the place in its text.
      dialog.open = false;
      dialog.showModal();
      dialog.querySelector("h2")?.focus();
    }
    scene = loud;
    // The title of the page: how long it lasts, or that it has ended.
    if (document.title !== badge) title = document.title;
    if (!locked) {
      badge = (config.title && loud && level === 2 ? `(${words(seconds, "short")}) ` : "") + title;
    } else if (loud) badge = dialog?.querySelector("h2")?.innerText ?? "";
    if (document.title !== badge) document.title = badge;
    // Spoken when it begins, at each minute, at 40 and at 20 seconds, and when something happens.
    const place = loud ? dialog : banner;
    const step = level === 2 && (seconds > 40 ? Math.ceil(seconds / 60) : seconds > 20 ? 40 : 20);
    const news = shown.join() + step;
    if (!place || news === said) return;
    said = news;
    for (const live of all("[data-workos-live]", root)) {
      live.ariaLive = step === 20 ? "assertive" : "polite";
      live.textContent = all("[data-workos-say]:not([hidden], [hidden] *)", place)
        .map((each) => each.textContent)
        .join(" ");
    }
  }

  function close() {
    if (scene && dialog) {
      dialog.close();
      before?.focus();
    }
    scene = "";
  }

  // What people do.

  const on = (target, kinds, listener, options) => {
    for (const kind of kinds.split(" ")) target.addEventListener(kind, listener, options);
  };

  const actions = {
    extend: () => extend("button"),
    signout: signOut,
    check: () => ask(),
    reload: () => location.reload(),
    later: () => (later = over ?? 1),
    open: () => (later = 0),
    dismiss: () => (level && !dismissed && !muted ? (dismissed = 1) : (changed = 0)),
  };

  on(document, "click", ({ target }) => {
    const action = actions[target.closest("[data-workos-action]")?.dataset.workosAction];
    if (action?.call) render(action());
  });

  on(document, "submit", (event) => {
    if (event.defaultPrevented) return;
    if (destination(event.target) !== absolute(urls.sign_out).href) return;
    event.preventDefault();
    signOut(); // So that the other tabs hear of it when it is done, and not before.
  });

  function bind() {
    [banner] = all("[data-workos-banner]", root);
    [dialog] = all("dialog", root);
    if (banner) {
      on(banner, "focusin", ({ relatedTarget }) => {
        if (!banner.contains(relatedTarget)) before = relatedTarget;
      });
    }
    if (!dialog) return;
    on(dialog, "cancel", (event) => {
      event.preventDefault();
      if (scene === "warning-inactivity") extend("button");
      else actions.later();
      render();
    });
    // The second Esc cannot be stopped; what it leaves behind is the banner.
    on(dialog, "close", () => {
      if (scene && !dialog.open) actions.later();
      render();
    });
  }

  function act({ isTrusted, target }) {
    if (!isTrusted || root.contains(target)) return;
    gesture = now();
    if (!config.input || level > 1 || busy || !info.extendable) return;
    const pause = Math.max(60000, config.idle * 100);
    if (left(info.idle_in) < config.idle / 2 && now() - extended > pause) ask("activity");
  }
  on(window, "keydown pointerdown wheel", act, { capture: true, passive: true });

  function type({ isTrusted, target }) {
    typing = now();
    if (isTrusted && !edited.has(target)) edited.set(target, content(target));
  }
  on(document, "beforeinput change", type, true);

  // Requests of the page itself: they carry the news, and say when nobody is behind them.

  function observe(list) {
    for (const { name, responseStatus, serverTiming } of list.getEntries()) {
      if (!ours(name) || Object.values(urls).includes(absolute(name).pathname)) continue;
      if (responseStatus === 401) hint();
      const timing = serverTiming?.find((each) => each.name === "workos");
      if (timing) hear(...timing.description.split("."));
    }
  }

  function hear(max, idle, extendable, ver, rev) {
    if (over || +ver <= info.ver) return;
    if (rev !== info.rev || extendable > 0 !== info.extendable) return hint();
    const [max_in, idle_in] = [max, idle].map((each) => (each === "-" ? null : +each));
    info = { ...info, max_in, idle_in, expires_in: info.extendable ? idle_in : max_in, ver: +ver };
    given = settled = moment();
    plan();
    tell("asked");
    render();
  }

  on(document, "htmx:configRequest htmx:config:request", ({ detail, target }) => {
    const { headers } = detail.ctx?.request ?? detail;
    const cause = detail.ctx?.sourceEvent ?? detail.triggeringEvent;
    const trigger = target.getAttribute("hx-trigger") ?? target.dataset.hxTrigger;
    const timed = /every\b/.test(cause?.type ?? trigger);
    const idle = !cause?.isTrusted && now() - gesture > 5000;
    if (timed || idle || document.hidden) headers["X-Session-Passive"] = 1;
  });
  on(window, "workos-session:401", hint);

  async function send(input, { passive, ...init } = {}) {
    const request = new Request(input, init);
    if (ours(request.url) && (passive || document.hidden)) request.headers.set("X-Session-Passive", 1);
    const response = await fetch(request);
    if (response.status === 401) hint();
    return response;
  }

  // Tabs: what they tell each other is a reason to ask, or not to ask just now. Nothing more.

  function tell(t) {
    const news = { v: 1, t, sid: info.sid, access: info.access, left: known(info.expires_in) };
    channel?.postMessage(news);
  }

  function learn({ data }) {
    if (data?.v !== 1) return;
    const { sid, access } = info;
    const news = over || data.t !== "asked" || data.sid !== sid || data.access !== access;
    if (!news && Math.abs(data.left - known(info.expires_in)) < 5) {
      due = Math.max(due, Math.min(plan(), settled[0] + 120000));
    } else if (news || (level && !document.hidden)) hint();
    else settled = moment(-Infinity); // So that it is asked when somebody looks.
  }

  function hint() {
    hinted ||= setTimeout(
      () => {
        hinted = 0;
        // What is under way may have been answered before.
        if (busy) busy.then(hint);
        else ask();
      },
      Math.max(Math.random() * 300, 1000 - since(settled)),
    );
  }

  function listen() {
    channel = window.BroadcastChannel && new BroadcastChannel(`workos-session:${config.channel}`);
    if (channel) channel.onmessage = learn;
  }

  // A page that comes back: from another tab, from sleep, from the Back button.
  function wake() {
    if (!document.hidden && !busy && (over || since(settled) > 5000)) ask();
    else render();
  }

  function start() {
    window[started] = (element, { state }) => {
      root.remove();
      root = element;
      page = state;
      seen = 0;
      edited.clear();
      bind();
      alive(state, moment());
      render();
    };
    window.workosSession = Object.freeze({
      get state() {
        return state;
      },
      get info() {
        return detail();
      },
      check: () => ask().then(detail),
      extend: () => extend().then(detail),
      signOut,
      fetch: send,
      on: (name, listener) => {
        name = `workos-session:${name}`;
        on(document, name, listener);
        return () => document.removeEventListener(name, listener);
      },
    });
    given = settled = moment(0); // At the latest: when this page was asked for.
    plan();
    bind();
    listen();
    new PerformanceObserver(observe).observe({ type: "resource" });
    on(document, "visibilitychange", wake);
    on(window, "focus online", wake);
    on(window, "pagehide", () => channel?.close());
    on(window, "pageshow", ({ persisted }) => {
      if (persisted) {
        listen();
        ask();
      }
    });
    emit("ready");
    tell("asked");
    render();
  }

  if (document.prerendering) on(document, "prerenderingchange", start, { once: true });
  else start();
})();
