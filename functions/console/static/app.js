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
  const form = { dateStyle: "medium", timeStyle: "short" };
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, form).format(at);
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

// A mailed link carries its token behind the `#`, where no server sees it; the form of the link takes it.
all("form[data-token]", (form) => {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (!token) return;
  form.elements.token.value = decodeURIComponent(token);
  form.hidden = false;
  all("[data-without-token]", (other) => { other.hidden = true; });
  history.replaceState(null, "", location.pathname);
});
