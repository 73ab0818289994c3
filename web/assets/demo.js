// The strip of a demo: an enhancement. The date moves on by itself, and the
// controls that need no new page work without one. Without script the same
// forms load the page again.
(() => {
  const strip = document.querySelector("[data-demo]");
  if (!strip) return;
  const now = strip.querySelector("time");
  const word = strip.querySelector("[data-word]");
  const form = strip.querySelector("form");
  const again = strip.querySelector("[data-again]");
  const shown = now.dateTime;
  const show = (s) => {
    now.textContent = s.date;
    now.dateTime = s.now;
    word.textContent = s.word;
    again.hidden = Date.parse(s.now) - Date.parse(shown) < 3600e3;
    if (!form !== !s.may) return location.reload();
    if (!form) return;
    const set = (name, on) => { form.querySelector(`[value=${name}]`).disabled = !on; };
    form.querySelector("[value=pause]").hidden = !s.moving;
    form.querySelector("[value=go]").hidden = s.moving;
    set("faster", !s.fastest);
    set("slower", !s.slowest);
  };
  let busy = false;
  const ask = async (url, options) => {
    busy = true;
    try {
      const r = await fetch(url, options);
      if (r.ok) show(await r.json());
      return r.ok;
    } catch {
      word.textContent = "the demo has ended, or does not answer";
      return false;
    } finally {
      busy = false;
    }
  };
  setInterval(() => {
    if (!busy && !document.hidden) ask("/demo/state");
  }, 1000);
  if (form) form.addEventListener("submit", async (ev) => {
    const step = ev.submitter.value === "hour" || ev.submitter.value === "day";
    ev.preventDefault();
    const body = new URLSearchParams(new FormData(form, ev.submitter));
    const focus = document.activeElement;
    if (!(await ask("/demo/control?format=json", { method: "POST", body }))) return;
    if (step) location.reload(); // what the step brought
    else if (focus && focus.hidden) form.querySelector("button:not([hidden])").focus();
  });
})();
