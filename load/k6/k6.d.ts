// The part of k6's API that the scripts here use (k6 v2.2.0, https://grafana.com/docs/k6/latest/javascript-api/).

declare const __ENV: Readonly<Record<string, string | undefined>>;

declare module "k6" {
  /** Fails the run at once: from `setup` only. */
  export function fail(sentence: string): never;
  export function sleep(seconds: number): void;
}

declare module "k6/http" {
  export interface Params {
    readonly headers: Readonly<Record<string, string>>;
    readonly tags: Readonly<Record<string, string>>;
    readonly timeout: string;
  }
  export interface Response {
    /** 0: no answer. */
    readonly status: number;
    readonly body: string | null;
    readonly error: string;
  }
  const http: {
    get(url: string, params: Params): Response;
    post(url: string, body: string, params: Params): Response;
  };
  export default http;
}

declare module "k6/metrics" {
  export class Rate {
    constructor(name: string);
    add(hit: boolean): void;
  }
  export class Counter {
    constructor(name: string);
    add(count: number): void;
  }
}
