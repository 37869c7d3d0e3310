// The table of pages. A page is one line: a name for its screenshots, its path, who asks for it, and what to do there before it is
// looked at. `path` may be made of the world (see world.mjs); without `as`, a stranger asks.

export const PAGES = [
  { name: "sign-in", path: "/sign-in" },
  { name: "sign-in-refused", path: "/sign-in?next=%2Frecords", act: refused("sign-in", { email: "nobody@example.com", password: "not the password" }) },
  { name: "sign-in-no-cookies", path: "/sign-in?kept=1" },
  { name: "register", path: "/register" },
  { name: "register-invited", path: "/register?ref=K7MXP2QA" },
  { name: "register-refused", path: "/register?ref=K7MXP2QA", act: refused("create-account-do", { email: "p@example.com", password: "short" }) },
  { name: "verify", path: "/verify" },
  { name: "verify-refused", path: "/verify", act: refused("verify-do", { code: "123456" }) },
  { name: "not-found", path: "/orders/ord_none", as: "bob" },
  { name: "not-found-path", path: "/nowhere" },
  { name: "home", path: "/home", as: "bob" },
  { name: "home-inviter", path: "/home", as: "ann" },
  { name: "home-menu", path: "/home", as: "bob", act: async ({ page }) => page.getByRole("banner").locator("summary:visible").last().click() },
  { name: "home-empty", path: "/home", as: "newcomer" },
  { name: "home-debt", path: "/home", as: "debtor" },
  { name: "records", path: "/records", as: "bob" },
  { name: "records-first", path: "/records", as: "busy" },
  { name: "records-older", path: "/records", as: "busy", act: (visitor) => visitor.follow("older") },
  { name: "records-empty", path: "/records", as: "newcomer" },
  { name: "records-filtered", path: "/records?account=commission&type=withdrawal", as: "bob" },
  { name: "top-up", path: "/top-up", as: "newcomer" },
  { name: "top-up-own", path: "/top-up?amount=36", as: "newcomer" },
  { name: "top-up-refused", path: "/top-up?amount=0.001", as: "newcomer" },
  { name: "top-up-used", path: "/top-up", as: "bob" },
  { name: "orders", path: "/orders", as: "bob" },
  { name: "orders-empty", path: "/orders", as: "newcomer" },
  { name: "orders-filtered", path: "/orders?status=disputed", as: "bob" },
  { name: "order-pending", path: ({ orders }) => `/orders/${orders.pending}`, as: "bob" },
  { name: "order-card", path: ({ orders }) => `/orders/${orders.card}`, as: "bob" },
  { name: "order-paid", path: ({ orders }) => `/orders/${orders.paid}`, as: "bob" },
  { name: "order-failed", path: ({ orders }) => `/orders/${orders.failed}`, as: "bob" },
  { name: "order-expired", path: ({ orders }) => `/orders/${orders.expired}`, as: "bob" },
  { name: "order-cancelled", path: ({ orders }) => `/orders/${orders.cancelled}`, as: "bob" },
  { name: "order-refunded", path: ({ orders }) => `/orders/${orders.refunded}`, as: "bob" },
  { name: "order-cancel", path: ({ orders }) => `/orders/${orders.pending}/cancel`, as: "bob" },
  { name: "result-stranger", path: ({ orders }) => `/payment/result?order=${orders.paid}` },
  { name: "result-unknown", path: "/payment/result?order=ord_none", as: "bob" },
  { name: "invite", path: "/invite", as: "ann" },
  { name: "invite-first", path: "/invite", as: "newcomer" },
  { name: "invite-rewards", path: "/invite/rewards", as: "ann" },
  { name: "invite-rewards-empty", path: "/invite/rewards", as: "newcomer" },
  { name: "sorry", path: "/sorry?status=403" },
  { name: "sorry-many", path: "/sorry?status=429" },
  { name: "reset", path: "/reset" },
  { name: "reset-code", path: "/reset?step=code" },
  { name: "reset-refused", path: "/reset?step=code", act: refused("reset-set", { email: "p@example.com", code: "AAAAA-AAAAA", password: "short" }) },
  { name: "sign-in-challenged", path: "/sign-in?code=1" },
  { name: "account", path: "/account", as: "bob" },
  { name: "account-email", path: "/account?step=email", as: "bob" },
  { name: "redeem", path: "/redeem", as: "bob" },
  { name: "redeem-done", path: ({ redemption }) => `/redeem?done=${redemption}`, as: "bob" },
  { name: "redeem-empty", path: "/redeem", as: "newcomer" },
  { name: "redeem-refused", path: "/redeem", as: "bob", act: refused("redeem-do", { code: "AAAA" }) },
  { name: "affiliate", path: "/affiliate", as: "ann" },
  { name: "affiliate-empty", path: "/affiliate", as: "newcomer" },
  { name: "affiliate-off", path: ({ label }) => `/affiliate/off?code=${label}`, as: "ann" },
  { name: "withdraw", path: "/affiliate/withdraw", as: "ann" },
  { name: "withdraw-nothing", path: "/affiliate/withdraw", as: "newcomer" },
  { name: "withdraw-refused", path: "/affiliate/withdraw/confirm?to=balance&amount=99", as: "ann" },
  { name: "withdraw-balance", path: "/affiliate/withdraw/confirm?to=balance&amount=0.1", as: "ann" },
  { name: "withdraw-cash", path: "/affiliate/withdraw/confirm?to=cash%3Abank&amount=0.1", as: "ann" },
  { name: "withdrawals", path: "/affiliate/withdrawals", as: "ann" },
  { name: "withdrawals-empty", path: "/affiliate/withdrawals", as: "newcomer" },
];

/** Sends a form as it must not be, and waits for what is said. */
function refused(button, values) {
  return async (visitor) => {
    const { page } = visitor;
    // Without the browser's own checks, which would keep it.
    await page.locator("form[method=post]").evaluateAll((forms) => forms.forEach((form) => (form.noValidate = true)));
    await visitor.fill(values);
    await visitor.press(button);
    await page.locator(".alert").waitFor();
  };
}
