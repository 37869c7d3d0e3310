// Pages work without this script; each part of it leaves the others alive. Texts come from data- attributes.
const all = (query, act) => document.querySelectorAll(query).forEach((one) => {
  try { act(one); } catch { /* the page works without it */ }
});

// A pressed button says so; a page that comes back from the browser's cache takes it back.
all("form", (form) => form.addEventListener("submit", (event) => event.submitter?.setAttribute("aria-busy", "true")));
addEventListener("pageshow", () => all("[aria-busy]", (one) => one.removeAttribute("aria-busy")));

// What is wrong takes the focus.
all(".alert", (alert) => alert.focus());

// Times in the browser's zone, with UTC in the title.
all("time[data-local]", (time) => {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  time.title = time.textContent.trim();
  const isEnglish = document.documentElement.lang === "en";
  const form = { dateStyle: isEnglish ? "medium" : "long", timeStyle: "short" };
  time.textContent = new Intl.DateTimeFormat(isEnglish ? "en-GB" : "zh-CN", form).format(at);
});

// A password can be looked at.
all("button[data-show]", (button) => {
  const field = document.getElementById(button.dataset.show);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
});
