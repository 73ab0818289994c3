// Keyboard: an enhancement. Everything here can be done without it, and it can
// be switched off (WCAG 2.1.4).
(() => {
  const root = document.documentElement;
  if (root.dataset.keys === "off") return;
  const rows = () => [...document.querySelectorAll("[data-row]")];
  let at = -1;
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    all.forEach((r) => r.removeAttribute("data-at"));
    at = Math.max(0, Math.min(all.length - 1, at + step));
    const row = all[at];
    row.setAttribute("data-at", "");
    const link = row.matches("a") ? row : row.querySelector("a, summary, button");
    (link || row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const open = (id) => {
    const act = document.getElementById("act-" + id);
    if (!act) return false;
    act.open = true;
    const first = act.querySelector("select, textarea, input:not([type=hidden]), button");
    wanted = first; // on the way up: the letter itself must not choose anything in it
    return true;
  };
  let wanted = null;
  document.addEventListener("keyup", () => {
    if (wanted) wanted.focus();
    wanted = null;
  });
  const keys = { c: "confirm", r: "reject", a: "answer", e: "extend", n: "note", h: "handed", o: "reopen", s: "ask", x: "escalate", i: "assign", z: "close", g: "merge" };
  document.addEventListener("keydown", (ev) => {
    if (ev.ctrlKey || ev.metaKey || ev.altKey || ev.isComposing) return;
    const typing = ev.target.closest("input, textarea, select, [contenteditable]");
    if (typing) {
      if (ev.key === "Escape") ev.target.blur();
      return;
    }
    const help = document.getElementById("keys");
    let done = true;
    if (ev.key === "/") {
      const s = document.querySelector("[data-search]");
      if (s) { s.focus(); s.select(); } else done = false;
    } else if (ev.key === "j") move(1);
    else if (ev.key === "k") move(-1);
    else if (ev.key === "?" && help) help.open ? help.close() : help.showModal();
    else if (ev.key === "u" && document.querySelector("[data-up]")) location.href = document.querySelector("[data-up]").href;
    else if (ev.key === "m" && document.querySelector("[data-mine]")) location.href = document.querySelector("[data-mine]").href;
    else if (keys[ev.key]) done = open(keys[ev.key]);
    else done = false;
    if (done) ev.preventDefault();
  });
  const help = document.querySelector("[data-help]");
  if (help) {
    help.hidden = false;
    help.addEventListener("click", () => document.getElementById("keys").showModal());
  }
})();
