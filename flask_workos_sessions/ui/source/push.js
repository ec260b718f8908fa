// Has the server say when there is news about the session, and then asks what they are. The newest
// visible tab listens; the others hear of it from that one. Without a stream nothing is lost: the
// page asks by itself every now and then.

// Beside our own script, wherever the app lies: nothing in the page can lead us elsewhere.
const url = new URL("../session/events", import.meta.url);
const SETTLE = 1000; // Milliseconds for which a page is looked at before it listens.
const LEAST = 60000; // Between being refused and another try, at least,
const AGAIN = 300000; // and when nobody comes back to the page.

let session, source, timer;
let refused = -LEAST;

function listen(wait = SETTLE) {
  clearTimeout(timer);
  timer = setTimeout(open, Math.max(wait, refused + LEAST - performance.now()));
}

function open() {
  if (source || document.hidden || session.state === "ended") return;
  const mine = (source = new EventSource(url));
  mine.addEventListener("check", check);
  // A newer tab listens. This one does again when somebody comes back to it.
  mine.addEventListener("bye", leave);
  mine.addEventListener("error", () => {
    if (mine !== source || mine.readyState !== EventSource.CLOSED) return; // It connects again.
    leave();
    refused = performance.now();
    listen(AGAIN * (1 + Math.random() / 2));
    check(); // There is no room, or no session any more.
  });
}

function leave() {
  clearTimeout(timer);
  source?.close();
  source = undefined;
}

function check() {
  session.check();
}

function look() {
  if (document.hidden) leave();
  else listen();
}

// What concerns the session may be another thing from now on.
function renew() {
  if (!source) return;
  leave();
  listen();
}

function start() {
  session = window.workosSession;
  document.addEventListener("visibilitychange", look);
  document.addEventListener("workos-session:changed", renew);
  document.addEventListener("workos-session:ended", leave);
  document.addEventListener("workos-session:resumed", look);
  window.addEventListener("focus", look);
  window.addEventListener("pageshow", look);
  window.addEventListener("pagehide", leave);
  look();
}

// Frames hear of it from the page that they are in.
if (window.top === window && url.origin === location.origin) {
  // Not one that the page's content has put in its place.
  if (typeof window.workosSession?.check === "function") start();
  else document.addEventListener("workos-session:ready", start, { once: true });
}
