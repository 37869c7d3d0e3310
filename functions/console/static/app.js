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
  const en = document.documentElement.lang === "en";
  const form = { dateStyle: en ? "medium" : "long", timeStyle: "short" };
  time.textContent = new Intl.DateTimeFormat(en ? "en-GB" : "zh-CN", form).format(at);
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

// The token of a mailed link stands behind the `#`, where no server sees it.
all("form[data-token]", (form) => {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (!token) return;
  form.elements.token.value = decodeURIComponent(token);
  form.hidden = false;
  all("[data-without-token]", (other) => { other.hidden = true; });
  history.replaceState(null, "", location.pathname);
});

// What only stands in for the script.
all("[data-without]", (one) => one.remove());

// Countdowns run on the whole seconds that were told; a second after the last the page comes anew.
const clock = (left) => {
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
};
all("[data-left]", (timer) => {
  const end = performance.now() + timer.dataset.left * 1000;
  const aloud = timer.nextElementSibling;
  const run = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    timer.textContent = clock(left);
    if (aloud && (left === 300 || left === 60)) aloud.textContent = clock(left);
    if (left > 0) return;
    clearInterval(run);
    setTimeout(() => location.reload(), 1000);
  }, 1000);
});

const told = async (path) => {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
};

// Shows the page anew when its state changes.
all("[data-poll]", (box) => {
  const { every, poll, state, until } = box.dataset, waits = every ? [] : [2, 3, 5, 8];
  const end = performance.now() + until * 1000;
  const later = () => setTimeout(look, (waits.shift() ?? every ?? 10) * 1000);
  const look = async () => {
    if (performance.now() > end) return;
    if (document.hidden) return document.addEventListener("visibilitychange", look, { once: true });
    try {
      if ((await told(poll)).state !== state) return location.reload();
    } catch {
      // It looks again.
    }
    later();
  };
  later();
});

// The price of what is chosen, while it is chosen.
all("form[data-price]", (form) => {
  const field = form.querySelector("#amount"), offers = form.querySelectorAll(".offer input");
  let chosen = form.querySelector(".offer input:checked"), timer, asked = 0;
  const put = (tag, text, kind) => Object.assign(document.createElement(tag), { textContent: text, className: kind });
  const show = ({ rows, pay, errors }) => {
    for (const part of form.querySelectorAll("dd[data-part]")) {
      const row = rows[part.dataset.part], label = part.previousElementSibling;
      if (rows.total) label.hidden = part.hidden = !row;
      if (row) label.textContent = row.label;
      const [shown, small, unit] = row?.text ?? ["—"];
      part.firstElementChild.replaceChildren(shown, ...(small ? [put("i", small, "")] : []), ...(unit ? [put("span", unit, "cur")] : []));
    }
    form.querySelector("button[data-part=pay]").textContent = pay;
    for (const said of form.querySelectorAll("[data-at]")) {
      const at = form.elements[said.dataset.at];
      said.textContent = errors[at.id];
      at.ariaInvalid = !(said.parentElement.hidden = !errors[at.id]);
    }
  };
  const ask = async () => {
    const mine = ++asked;
    const answer = await told(`${form.dataset.price}?${new URLSearchParams(new FormData(form))}`);
    if (mine === asked) show(answer);
  };
  form.addEventListener("input", (event) => {
    if (event.target === field) {
      chosen = form.querySelector(".offer input:checked") ?? chosen;
      offers.forEach((one) => { one.checked = !field.value.trim() && one === chosen; });
    } else if (event.target.closest(".offer")) field.value = "";
    clearTimeout(timer);
    timer = setTimeout(() => ask().catch(() => {}), 250);
  });
});

// Copies a field; where that is refused, its text stays selected and a note says how.
all("button[data-copy]", (button) => {
  const field = document.getElementById(button.dataset.copy), note = document.getElementById("copied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    let done;
    try {
      await navigator.clipboard.writeText(field.value);
      done = true;
    } catch { done = document.execCommand("copy"); }
    note.textContent = done ? button.dataset.done : button.dataset.else;
  });
});
all("button[data-share]", (button) => {
  if (!navigator.share) return;
  button.hidden = false;
  button.addEventListener("click", () => navigator.share({ url: button.dataset.share, title: button.dataset.title }).catch(() => {}));
});

// Whether a code is in use, when its field is left; it never keeps anybody from signing up.
all("[data-code]", (box) => {
  const field = document.getElementById(box.dataset.code), note = box.lastElementChild;
  const say = (text) => { note.textContent = text; note.hidden = !text; };
  field.addEventListener("input", () => say(""));
  field.addEventListener("change", async () => {
    const code = field.value.trim();
    try {
      const { valid } = code && (await told(`/v1/referral-codes/${encodeURIComponent(code)}`));
      if (code === field.value.trim()) say(code && (valid ? box.dataset.fine : box.dataset.not));
    } catch { say(""); }
  });
});

// Selects all rows of a list.
all("[data-all]", (button) => {
  button.hidden = false;
  button.addEventListener("click", () => button.form.querySelectorAll("input").forEach((one) => (one.checked = true)));
});
