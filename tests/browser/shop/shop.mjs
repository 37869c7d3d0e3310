// A product's own page: it uses the API through the client package, from another origin.
import { GuerdonClient, ProblemError, compare, format } from "/client/index.js";

const baseUrl = new URLSearchParams(location.search).get("api");
const status = document.getElementById("status");
const kept = [];
const guerdon = new GuerdonClient({ baseUrl, onTokens: (tokens) => kept.push(tokens) });

/** What the test asks for, one after the other. */
window.shop = {
  async signUp(email, password) {
    const { data } = await guerdon.post("/v1/registrations", { body: { email, password } });
    guerdon.signIn(data.session);
    kept.push(data.session);
    return data.user.id;
  },
  async order() {
    const ask = { idempotencyKey: crypto.randomUUID(), body: { offer_id: "o100", provider: "zpay" } };
    const { data } = await guerdon.post("/v1/payment/orders", ask);
    const again = await guerdon.post("/v1/payment/orders", ask);
    const link = document.getElementById("pay");
    link.href = data.pay_url;
    link.textContent = `Pay ${format(data.charge, "en")}`;
    link.hidden = false;
    return { id: data.id, same: again.data.id === data.id, replayed: again.replayed };
  },
  async poll(id) {
    for (let look = 0; look < 50; look += 1) {
      const { data } = await guerdon.get("/v1/payment/orders/{id}", { path: { id } });
      status.value = data.status;
      if (data.status !== "pending") return data;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("still pending");
  },
  async redeem(code) {
    const { data } = await guerdon.post("/v1/redemptions", { body: { code } });
    return data;
  },
  /** What a refusal says to a page of another origin. */
  async refused(code) {
    try {
      await guerdon.post("/v1/redemptions", { body: { code } });
    } catch (error) {
      return error instanceof ProblemError && { status: error.status, code: error.code };
    }
    return undefined;
  },
  /** Five requests at once, all of which find their token expired. */
  async refresh() {
    const before = kept.length;
    const all = await Promise.all(Array.from({ length: 5 }, () => guerdon.get("/v1/me")));
    const ids = new Set(all.map(({ data }) => data.id));
    return { ids: [...ids], refreshes: kept.length - before, isNew: kept.at(-1).refresh_token !== kept.at(before - 1).refresh_token };
  },
  /** The headers that the deployment exposes. */
  async settings() {
    const answer = await fetch(`${baseUrl}/v1/settings/public`);
    return { status: answer.status, etag: answer.headers.get("etag"), type: answer.headers.get("content-type") };
  },
  more: (one, other) => compare(one, other) > 0,
};
status.value = "ready";
