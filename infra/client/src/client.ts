import { problemOf, type ProblemError } from "./problem.js";
import type { paths } from "./schema.js";

type Method = "get" | "post" | "put" | "delete";

/** The operation of a method at a path. */
export type Operation<P extends keyof paths, M extends Method> = Exclude<paths[P][M], undefined>;

type PathsWith<M extends Method> = {
  [P in keyof paths]: [Operation<P, M>] extends [never] ? never : P;
}[keyof paths];

type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? { body: B } : { body?: never };

type Parameters<O, Kind extends string> = O extends { parameters: { [K in Kind]: infer V } } ? V : undefined;

type PathOf<O> = [Parameters<O, "path">] extends [undefined] ? { path?: never } : { path: Parameters<O, "path"> };

type QueryOf<O> = { query?: Exclude<Parameters<O, "query">, undefined> };

/** The parts of a request: body and path as the operation has them, the rest as needed. */
export type Request<O> = BodyOf<O> & PathOf<O> & QueryOf<O> & {
  /** Key of a POST; a new one for each call if there is none. Keep it to repeat a request later. */
  idempotencyKey?: string;
  /** The `ETag` that a change is based on. */
  ifMatch?: string;
  signal?: AbortSignal;
};

type Json<R> = R extends { content: { "application/json": infer T } } ? T : undefined;

/** The body of a successful answer. */
export type Success<O> = O extends { responses: infer R } ? { [S in keyof R & (200 | 201 | 202 | 204)]: Json<R[S]> }[keyof R & (200 | 201 | 202 | 204)] : never;

/** Tokens of a session. */
export interface Tokens {
  access_token: string;
  refresh_token: string;
}

export interface ClientOptions {
  /** Where the API answers, such as `https://api.example.com`. */
  baseUrl: string;
  /** Tokens of a session, or a service key as `access_token`. */
  tokens?: Tokens | { access_token: string; refresh_token?: undefined };
  /** Called with new tokens, to keep them, and with `undefined` when the session is over. */
  onTokens?: (tokens: Tokens | undefined) => void;
  /** Most repetitions of a request after 429, 503 or a lost connection; 3 if not given. */
  retries?: number;
  /** Most seconds to wait for a repetition; 70 if not given. */
  patience?: number;
  fetch?: typeof fetch;
}

/** An answer: its body, its `ETag` and if it is the first answer given again. */
export interface Answer<T> {
  data: T;
  status: number;
  etag: string | undefined;
  replayed: boolean;
}

interface AnyRequest {
  body?: unknown;
  path?: unknown;
  query?: unknown;
  idempotencyKey?: string;
  ifMatch?: string;
  signal?: AbortSignal;
}

type Arguments<O> = Record<never, never> extends Request<O> ? [request?: Request<O>] : [request: Request<O>];

export class GuerdonClient {
  private tokens: ClientOptions["tokens"];
  private refreshing: Promise<void> | undefined;

  constructor(private readonly options: ClientOptions) {
    this.tokens = options.tokens;
  }

  /** Uses the tokens of another session, or none. */
  signIn(tokens: ClientOptions["tokens"]): void {
    this.tokens = tokens;
  }

  get<P extends PathsWith<"get">>(path: P, ...[request]: Arguments<Operation<P, "get">>): Promise<Answer<Success<Operation<P, "get">>>> {
    return this.send("get", path, request);
  }

  post<P extends PathsWith<"post">>(path: P, ...[request]: Arguments<Operation<P, "post">>): Promise<Answer<Success<Operation<P, "post">>>> {
    return this.send("post", path, request);
  }

  put<P extends PathsWith<"put">>(path: P, ...[request]: Arguments<Operation<P, "put">>): Promise<Answer<Success<Operation<P, "put">>>> {
    return this.send("put", path, request);
  }

  delete<P extends PathsWith<"delete">>(path: P, ...[request]: Arguments<Operation<P, "delete">>): Promise<Answer<Success<Operation<P, "delete">>>> {
    return this.send("delete", path, request);
  }

  private async send<T>(method: Method, path: string, request: AnyRequest = {}): Promise<Answer<T>> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (request.body !== undefined) headers["content-type"] = "application/json";
    // One key for all attempts: only so a repetition is no second order.
    if (method === "post") headers["idempotency-key"] = request.idempotencyKey ?? crypto.randomUUID();
    if (request.ifMatch !== undefined) headers["if-match"] = request.ifMatch;
    const init: RequestInit = { method: method.toUpperCase(), headers };
    if (request.body !== undefined) init.body = JSON.stringify(request.body);
    if (request.signal !== undefined) init.signal = request.signal;
    const url = this.options.baseUrl.replace(/\/$/, "") + filled(path, request.path) + asked(request.query);
    const answer = await this.patiently(url, init, headers, path !== "/v1/sessions/refresh");
    const text = answer.status === 204 ? "" : await answer.text();
    return {
      data: (text === "" ? undefined : JSON.parse(text)) as T,
      status: answer.status,
      etag: answer.headers.get("etag") ?? undefined,
      replayed: answer.headers.get("idempotency-replayed") === "true",
    };
  }

  /** Sends until there is an answer that a repetition would not change. */
  private async patiently(url: string, init: RequestInit, headers: Record<string, string>, mayRefresh: boolean): Promise<Response> {
    const { retries = 3, patience = 70 } = this.options;
    const send = this.options.fetch ?? fetch;
    let isRefreshed = !mayRefresh;
    for (let attempt = 0; ; ) {
      const token = this.tokens?.access_token;
      if (token !== undefined && mayRefresh) headers["authorization"] = `Bearer ${token}`;
      let problem: ProblemError | undefined;
      try {
        const answer = await send(url, init);
        if (answer.ok) return answer;
        problem = await problemOf(answer);
      } catch (error) {
        const isSafe = init.method === "GET" || init.method === "POST";
        if (init.signal?.aborted === true || !isSafe || attempt >= retries) throw error;
      }
      if (problem?.code === "token_expired" && !isRefreshed && this.tokens?.refresh_token !== undefined) {
        isRefreshed = true;
        await this.refresh(token);
        continue;
      }
      const wait = problem === undefined ? 2 ** attempt / 2 : (problem.retryAfter ?? 1);
      const isPassing = problem === undefined || problem.status === 429 || problem.status === 503;
      if (problem !== undefined && (!isPassing || attempt >= retries || wait > patience)) throw problem;
      attempt += 1;
      await pause(wait, init.signal ?? undefined);
    }
  }

  /** Refreshes the session once, however many requests found their token expired. */
  private refresh(expired: string | undefined): Promise<void> {
    if (this.tokens?.access_token !== expired) return Promise.resolve();
    this.refreshing ??= this.refreshed().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async refreshed(): Promise<void> {
    const refresh_token = this.tokens?.refresh_token ?? "";
    try {
      const { data } = await this.post("/v1/sessions/refresh", { body: { refresh_token } });
      this.tokens = { access_token: data.access_token, refresh_token: data.refresh_token };
      this.options.onTokens?.(this.tokens as Tokens);
    } catch (error) {
      if ((error as { status?: number }).status === 401) this.options.onTokens?.(undefined);
      throw error;
    }
  }
}

function filled(path: string, values: unknown): string {
  const known = new Map(Object.entries((values ?? {}) as Record<string, unknown>));
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(known.get(name))));
}

function asked(query: unknown): string {
  const given = Object.entries((query ?? {}) as Record<string, unknown>).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
