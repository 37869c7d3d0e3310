// The table of pages. A page is one line: a name for its screenshots, its path, who asks for it, and what to do there before it is
// looked at. `path` may be made of the world (see world.mjs); without `as`, a stranger asks.

export const PAGES = [
  { name: "sign-in", path: "/sign-in" },
  { name: "sign-in-refused", path: "/sign-in?next=%2Frecords", act: refused("sign-in", { email: "nobody@example.com", password: "not the password" }) },
  { name: "register", path: "/register" },
  { name: "register-invited", path: "/register?ref=K7MXP2QA" },
  { name: "register-refused", path: "/register?ref=K7MXP2QA", act: refused("create-account-do", { email: "p@example.com", password: "short" }) },
  { name: "verify", path: "/verify" },
  { name: "verify-refused", path: "/verify", act: refused("verify-do", { code: "123456" }) },
  { name: "not-found", path: "/static/none" },
  { name: "home", path: "/home", as: "bob" },
  { name: "home-menu", path: "/home", as: "bob", act: async ({ page }) => page.getByRole("banner").locator("summary:visible").last().click() },
  { name: "home-empty", path: "/home", as: "newcomer" },
  { name: "home-debt", path: "/home", as: "debtor" },
  { name: "records", path: "/records", as: "bob" },
  { name: "records-first", path: "/records", as: "busy" },
  { name: "records-older", path: "/records", as: "busy", act: (visitor) => visitor.follow("older") },
  { name: "records-empty", path: "/records", as: "newcomer" },
  { name: "records-filtered", path: "/records?account=commission&type=withdrawal", as: "bob" },
];

/** Sends a form as it must not be, and waits for what is said. */
function refused(button, values) {
  return async (visitor) => {
    const { page } = visitor;
    // Without the browser's own checks, which would keep it.
    await page.locator("form").first().evaluate((form) => (form.noValidate = true));
    await visitor.fill(values);
    await visitor.press(button);
    await page.locator(".alert").waitFor();
  };
}
